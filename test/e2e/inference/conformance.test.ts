// The conformance suite against an agent and against MLServer around the same models. CONFORMANCE=write keeps the result in docs/.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { markdownReport } from '../../../cli/open-inference/report/markdown.ts';
import { type ConformanceReport, cases, runSuite } from '../../../cli/open-inference/suite.ts';
import { assignAll } from '../../bench/harness/real-agent.ts';
import { createWorld, fixtures } from '../../integration/agent/world.ts';
import { eventually } from '../../support/eventually.ts';
import { echoModel } from '../../support/open-inference/echo-model.ts';
import { findPeer, startPeer } from '../../support/open-inference/peer.ts';

const page = path.join(import.meta.dirname, '../../../docs/oip-conformance.md');
const python = await findPeer();
const names = ['states', 'echo', 'half'];

describe.skipIf(python === undefined)('the conformance suite beside a peer from PyPI', () => {
  test('finds nothing wrong with the agent, names what the peer answers otherwise, and is what docs/oip-conformance.md shows', async () => {
    await using world = await createWorld();
    const files: Record<string, string> = { states: path.join(fixtures, 'classifier.onnx') };
    for (const [name, half] of [
      ['echo', false],
      ['half', true],
    ] as const) {
      files[name] = path.join(world.directory, `${name}.onnx`);
      await writeFile(files[name], echoModel(half));
    }
    const agent = await world.startAgent({ grpcPort: 0 });
    for (const name of names)
      await world.assign('device-a', name, {
        active: await world.slot(files[name] ?? '', 'r1', { classLabels: ['a', 'b', 'c'] }),
      });
    await assignAll(world, 'device-a', names);
    for (const name of names)
      await eventually(async () => expect((await fetch(`${agent.url}/v2/models/${name}/ready`)).status).toBe(200));
    const models = names.map((name) => ({ name, file: files[name] ?? '', version: 'r1.0.0' }));
    await using peer = await startPeer(python ?? '', models);

    const suite = { models: names, timeoutMilliseconds: 30_000 };
    const signal = AbortSignal.timeout(150_000);
    const ours = await runSuite({ ...suite, url: agent.url, grpc: agent.readiness.grpc ?? '', mayUnload: false }, signal);
    const theirs = await runSuite({ ...suite, url: peer.url, grpc: peer.grpc, mayUnload: true }, signal);

    const text = pageOf(ours, theirs);
    if (process.env['CONFORMANCE'] === 'write') await writeFile(page, text);
    expect(ours.counts).toEqual({ passed: cases.length - 1, failed: 0, advice: 0, skipped: 1 });
    expect(theirs.results).toHaveLength(cases.length);
    expect(theirs.results.find(({ id }) => id === 'infer.answers')?.outcome).toBe('passed');
    const rows = (whole: string) => whole.split('\n').filter((line) => /^\| .* \| (required|advised) \|/.test(line));
    const ourColumn = (whole: string) => rows(whole).map((row) => row.split(' | ').slice(0, 3));
    expect(ourColumn(await readFile(page, 'utf8'))).toEqual(ourColumn(text));
  });
});

function pageOf(ours: ConformanceReport, theirs: ConformanceReport): string {
  const peer = `MLServer ${theirs.server.version}`;
  return `# Conformance to the Open Inference Protocol v2

Written by \`CONFORMANCE=write npx vitest run --project e2e test/e2e/inference/conformance.test.ts\`: the ${cases.length} cases of
\`jouleops oip-conformance\` against the agent, and against ${peer} from PyPI. Both serve the same three models: a classifier, a network
that gives back one input of each datatype that JSON carries, and one for FP16. MLServer has no runtime for ONNX: it runs
\`test/e2e/peer/onnx_runtime.py\`, its own codecs around onnxruntime.

- **required**: the [protocol's text](https://github.com/kserve/open-inference-protocol) demands it; \`no\` says that the server did something else.
- **advised**: the text leaves it open and clients count on it; \`otherwise\` says that the server decided differently.
- –: skipped. The server does not announce the extension, its models give the case nothing to look at, or a person must allow it
  (\`--unload\`; the agent leaves loading and unloading to the control plane).

Try it on any server: \`jouleops oip-conformance http://HOST:PORT --grpc HOST:PORT\` ([inference.md](inference.md)).

${markdownReport([
  { name: 'Jouleops agent', report: ours },
  { name: peer, report: theirs },
])}
`;
}
