import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocumented, parseFamilies } from './exposition.ts';
import { type Pair, scrape, startPair } from './pair.ts';

const hasPromtool = await promisify(execFile)('promtool', ['--version']).then(
  () => true,
  () => false,
);
const missing = 'promtool is not installed (Debian: apt-get install prometheus)';

async function promtool(text: string): Promise<{ code: number; output: string }> {
  const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.end(text);
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

describe('metrics of a controller and an agent at work', () => {
  let pair: Pair | undefined;
  let texts: { Controller: string; Agent: string };
  let page: string;

  beforeAll(async () => {
    page = await readFile(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
    const running = await startPair();
    pair = running;
    texts = { Controller: await scrape(running.controllerUrl), Agent: await scrape(running.agentUrl) };
  });
  afterAll(() => pair?.[Symbol.asyncDispose]());

  for (const part of ['Controller', 'Agent'] as const) {
    it.skipIf(!hasPromtool)(
      `promtool finds nothing to say about those of the ${part.toLowerCase()}${hasPromtool ? '' : `: ${missing}`}`,
      async () => {
        expect(await promtool(texts[part])).toEqual({ code: 0, output: '' });
      },
    );

    it(`docs/metrics.md lists each of the ${part.toLowerCase()}, with its type and labels, and none that is not there`, () => {
      const families = parseFamilies(texts[part]);
      const documented = parseDocumented(page, part);
      expect([...documented.keys()].sort()).toEqual(families.map(({ name }) => name).sort());
      for (const { name, type, labels } of families) {
        expect({ name, type: documented.get(name)?.type }).toEqual({ name, type });
        // A family without a series shows no labels; one with a series shows all that it has.
        if (labels.length > 0) expect({ name, labels: documented.get(name)?.labels }).toEqual({ name, labels });
      }
    });
  }

  it('says of the model what happened: two requests, one refused, and what it was predicted to use', () => {
    expect(texts.Agent).toMatch(/^jouleops_inference_requests_total\{[^}]*deployment="nas-cell"[^}]*code="ok"[^}]*\} 1$/m);
    expect(texts.Agent).toMatch(/^jouleops_model_loaded\{[^}]*deployment="nas-cell"[^}]*\} 1$/m);
    expect(texts.Controller).toMatch(
      /^jouleops_deployment_predicted_joules_per_inference\{namespace="factory",deployment="nas-cell"\} 0\.00\d+$/m,
    );
    expect(texts.Controller).toMatch(/^jouleops_devices\{class="raspberry-pi-5-simulated",ready="True"\} 1$/m);
  });

  it('counts the energy of the node once, whatever rails it has', () => {
    expect(texts.Agent.match(/^jouleops_node_energy_joules_total\{/gm)).toHaveLength(1);
  });
});
