import { expect, it } from 'vitest';
import { counted } from '../../../kube/meta/counted.ts';

it('a number has the form of its noun', () => {
  expect([0, 1, 2].map((count) => counted(count, 'device'))).toEqual(['0 devices', '1 device', '2 devices']);
  expect([1, 2].map((count) => counted(count, 'instance is', 'instances are'))).toEqual(['1 instance is', '2 instances are']);
});
