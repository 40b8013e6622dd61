// Records what a real kube-apiserver answers, for the unit tests of the embedded one: node scripts/record-api-server.ts
import { mkdir, writeFile } from 'node:fs/promises';
import { applyScenarios } from '../test/support/api-server-fixtures/apply-scenarios.ts';
import { gauges } from '../test/support/api-server-fixtures/gauges.ts';
import { Recorder } from '../test/support/api-server-fixtures/recorder.ts';
import { validationCases } from '../test/support/api-server-fixtures/validation-cases.ts';
import { gadgets, widgets } from '../test/support/api-server-fixtures/widgets.ts';
import { findBinaries } from '../test/support/control-plane/binaries.ts';
import { startControlPlane } from '../test/support/control-plane.ts';

const folder = new URL('../test/unit/standalone/fixtures/', import.meta.url);

async function writeFixture(name: string, entries: readonly unknown[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const lines = entries.map((entry) => JSON.stringify(entry)).join(',\n');
  await writeFile(new URL(name, folder), `[\n${lines}\n]\n`);
  console.log(`${name}: ${entries.length} recorded`);
}

const binaries = await findBinaries();
if (binaries.kind === 'absent') throw new Error(binaries.reason);
const controlPlane = await startControlPlane({ binaries });
const recorder = new Recorder(controlPlane.connection);
try {
  for (const definition of [widgets, gadgets, gauges]) await recorder.install(definition);
  const scenarios = [];
  for (const scenario of applyScenarios) scenarios.push(await recorder.play(scenario));
  await writeFixture('apply-scenarios.json', scenarios);
  const cases = [];
  for (const tried of validationCases) cases.push(await recorder.judge(tried));
  await writeFixture('validation-cases.json', cases);
} finally {
  await recorder.close();
  await controlPlane.stop();
}
