import { execFile } from 'node:child_process';

export interface CommandResult {
  /** -1 when a signal ended it. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  /** On top of this process's own. */
  environment?: Record<string, string>;
  input?: string;
  directory?: string;
  timeoutSeconds?: number;
}

/** Runs a program to its end; a failure is an answer, not an exception. */
export function runCommand(program: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { environment = {}, input = '', directory, timeoutSeconds = 60 } = options;
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      {
        env: { ...process.env, ...environment },
        timeout: timeoutSeconds * 1000,
        maxBuffer: 64 * 1024 * 1024,
        ...(directory === undefined ? {} : { cwd: directory }),
      },
      (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
        resolve({ code, stdout, stderr: code === -1 && stderr === '' ? (error?.message ?? '') : stderr });
      },
    );
    child.stdin?.on('error', () => undefined); // it may end without reading
    child.stdin?.end(input);
  });
}
