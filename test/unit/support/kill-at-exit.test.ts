import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { killAtExit } from '../../support/kill-at-exit.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
});

test('twelve processes need one listener, and none when they have ended', async () => {
  const before = process.listenerCount('exit');
  for (let count = 0; count < 12; count += 1) {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    children.push(child);
    killAtExit(child);
  }
  expect(process.listenerCount('exit')).toBe(before + 1);
  const ended = Promise.all(children.map((child) => once(child, 'exit')));
  for (const child of children) child.kill('SIGKILL');
  await ended;
  expect(process.listenerCount('exit')).toBe(before);
});

test('a process that exits takes along what it started', async () => {
  const module = new URL('../../support/kill-at-exit.ts', import.meta.url).href;
  const program = `
    import { spawn } from 'node:child_process';
    import { killAtExit } from ${JSON.stringify(module)};
    const child = spawn('sleep', ['60'], { stdio: ['ignore', 'inherit', 'ignore'] });
    killAtExit(child);
    child.once('spawn', () => process.exit(3));
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(parent);
  // Its output ends with the last process that holds it.
  const silent = once(parent.stdout.resume(), 'end');
  expect((await once(parent, 'exit'))[0]).toBe(3);
  await silent;
});
