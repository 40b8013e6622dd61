import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RecordedScenario } from '../../support/api-server-fixtures/scenario.ts';
import { replay } from './pure-server.ts';

const fixture = new URL('./fixtures/apply-scenarios.json', import.meta.url);
const recorded: RecordedScenario[] = JSON.parse(readFileSync(fixture, 'utf8'));

describe('server-side apply answers as the recorded kube-apiserver did', () => {
  it.each(recorded)('$name', (scenario) => {
    expect(replay(scenario)).toEqual(scenario.outcomes);
  });
});
