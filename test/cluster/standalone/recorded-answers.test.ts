import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gauges } from '../../support/api-server-fixtures/gauges.ts';
import { Recorder } from '../../support/api-server-fixtures/recorder.ts';
import type { RecordedScenario } from '../../support/api-server-fixtures/scenario.ts';
import type { RecordedCase } from '../../support/api-server-fixtures/validation-cases.ts';
import { gadgets, widgets } from '../../support/api-server-fixtures/widgets.ts';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';

const plane = sharedControlPlane();
const fixtures = new URL('../../unit/standalone/fixtures/', import.meta.url);

async function fixture<T>(name: string): Promise<T[]> {
  return JSON.parse(await readFile(new URL(name, fixtures), 'utf8')) as T[];
}

// The unit tests of the embedded server trust these files. After a new Kubernetes version, record again: scripts/record-api-server.ts
describe.skipIf(plane === undefined)('recorded answers are what a real API server still says', () => {
  let recorder: Recorder;

  beforeAll(async () => {
    if (plane === undefined) return;
    recorder = new Recorder(plane.admin);
    for (const definition of [widgets, gadgets, gauges]) await recorder.install(definition);
  });
  afterAll(async () => {
    for (const definition of [widgets, gadgets, gauges]) await recorder.uninstall(definition);
    await recorder.close();
  });

  test('to sequences of server-side applies', async () => {
    for (const { outcomes, ...scenario } of await fixture<RecordedScenario>('apply-scenarios.json')) {
      expect((await recorder.play(scenario)).outcomes, scenario.name).toEqual(outcomes);
    }
  });

  test('to objects that break rules', async () => {
    for (const recorded of await fixture<RecordedCase>('validation-cases.json')) {
      const { code: _code, reason: _reason, message: _message, causes: _causes, ...tried } = recorded;
      expect(await recorder.judge(tried), recorded.name).toEqual(recorded);
    }
  });
});
