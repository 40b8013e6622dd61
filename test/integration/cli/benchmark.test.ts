import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '../../..');
const model = path.join(root, 'test/integration/agent/fixtures/classifier.onnx');
const jouleops = (...args: string[]) => run(process.execPath, [path.join(root, 'cli/jouleops.ts'), ...args], { cwd: root });

describe('jouleops benchmark', () => {
  it('gives latency, and energy with its interval, source and boundary', async () => {
    const args = ['benchmark', model, '--simulate', 'raspberry-pi-5', '--window-seconds', '0.3', '--output', 'json'];
    const result = JSON.parse((await jouleops(...args)).stdout) as Record<string, unknown>;
    expect(result).toMatchObject({
      simulated: true,
      boundary: 'Board',
      latencyMicroseconds: { p50: expect.any(Number) as number, p99: expect.any(Number) as number },
      test: {
        state: 'Completed',
        windowsDone: 6,
        errors: 0,
        energy: { quantity: 'Active', source: 'simulated:board', attribution: 'Controlled' },
      },
    });
  });

  it('gives latency and the reason why there is no energy, on a machine without a meter', async () => {
    const { stdout } = await jouleops('benchmark', model, '--path-sysfs', '/nonexistent', '--window-seconds', '0.3');
    expect(stdout).toMatch(/latency p50 +[\d.]+ ms/);
    expect(stdout).toContain('not measured (NoPowerSource)');
    expect(stdout).toContain('looked for');
  });

  it('refuses a boundary that is none, with exit code 2', async () => {
    await expect(jouleops('benchmark', model, '--boundary', 'Desk')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Board, Module, Package, CoreRail') as string,
    });
  });
});
