import { expect } from 'vitest';
import type { Caller } from './feature.ts';
import { claimsOf } from './features.ts';
import type { CallRecorder } from './recorded-call.ts';

/** A suite ends with this: all that the table says of its caller was asked, or the table is wrong. */
export function expectClaims(caller: Caller, recorder: CallRecorder): void {
  const { claimed, unused } = claimsOf(caller, recorder.calls());
  expect(claimed.length, `features.ts says nothing of ${caller}`).toBeGreaterThan(0);
  expect(unused, `${caller} is named as the caller of these, and did not call them`).toEqual([]);
}
