import { execFile } from 'node:child_process';

/** Runs a program and gives its output; a fixture in tests. @throws Error when it is missing, fails or takes too long. */
export type RunCommand = (file: string, args: readonly string[], signal: AbortSignal) => Promise<string>;

const timeoutMilliseconds = 5000;

export const runCommand: RunCommand = (file, args, signal) =>
  new Promise((resolve, reject) => {
    execFile(file, [...args], { timeout: timeoutMilliseconds, signal, maxBuffer: 1 << 20 }, (error, stdout) => {
      if (error) reject(error);
      else resolve(stdout);
    });
  });
