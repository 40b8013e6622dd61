// The command as a shell sees it: exit code and both streams.
import { spawn } from 'node:child_process';
import path from 'node:path';

export interface Answer {
  code: number | null;
  stdout: string;
  stderr: string;
}

const entry = path.join(import.meta.dirname, '../../cli/jouleops.ts');

/** Stopped when it takes longer than `limitSeconds`: then `code` is null or 130. */
export async function jouleops(
  args: readonly string[],
  { cwd, limitSeconds = 30, nodeOptions = [] }: { cwd?: string; limitSeconds?: number; nodeOptions?: readonly string[] } = {},
): Promise<Answer> {
  const child = spawn(process.execPath, ['--no-warnings', ...nodeOptions, entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const answer: Answer = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    answer.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    answer.stderr += text;
  });
  const timers = [
    setTimeout(() => child.kill('SIGTERM'), limitSeconds * 1000),
    setTimeout(() => child.kill('SIGKILL'), limitSeconds * 1000 + 5000),
  ];
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  for (const timer of timers) clearTimeout(timer);
  return { ...answer, code };
}
