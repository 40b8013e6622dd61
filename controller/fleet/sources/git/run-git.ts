// Runs the system's git: bounded in time and output, and ended with everything that it started.
import { type ChildProcess, spawn } from 'node:child_process';
import { SourceError } from '../source.ts';

export interface GitCall {
  args: readonly string[];
  environment: Record<string, string>;
  directory: string;
  input?: string;
  /** More output ends it. */
  maximumBytes: number;
  signal: AbortSignal;
}

export class GitError extends Error {
  override readonly name = 'GitError';
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(args: readonly string[], exitCode: number | null, stderr: string) {
    super(`git ${args[0]} ended with ${exitCode}: ${stderr}`);
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

const maximumErrorBytes = 16 * 1024;

/** Its standard output. @throws GitError when it fails, SourceError past a bound, the signal's reason. */
export async function runGit(call: GitCall): Promise<Buffer> {
  const { signal, args } = call;
  signal.throwIfAborted();
  // A group of its own: git's helpers (ssh, remote-https) would outlive it otherwise, waiting for a silent server.
  const child = spawn('git', [...args], { cwd: call.directory, env: call.environment, detached: true, stdio: 'pipe' });
  const end = () => endGroup(child);
  signal.addEventListener('abort', end, { once: true });
  try {
    const { exitCode, stdout, stderr, overflow } = await collect(child, call, end);
    signal.throwIfAborted();
    if (overflow)
      throw new SourceError(
        'StorageOperationFailed',
        `git ${args[0]} answers more than ${call.maximumBytes} bytes: the repository is too large for a fleet`,
      );
    if (exitCode === 0) return stdout;
    throw new GitError(args, exitCode, stderr);
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

interface Result {
  exitCode: number | null;
  stdout: Buffer;
  stderr: string;
  overflow: boolean;
}

function collect(child: ChildProcess, { maximumBytes, input }: GitCall, end: () => void): Promise<Result> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let overflow = false;
    let errors = Buffer.alloc(0);
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maximumBytes) chunks.push(chunk);
      else if (!overflow) {
        overflow = true;
        end();
      }
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      // The end is where git says what was fatal.
      errors = Buffer.concat([errors, chunk]).subarray(-maximumErrorBytes);
    });
    child.stdin?.on('error', () => undefined); // it ended before it read everything: its exit code says why
    child.stdin?.end(input ?? '');
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'ENOENT'
          ? new SourceError('GitOperationFailed', 'git is not installed where the controller runs: install git', { cause: error })
          : error,
      ),
    );
    child.once('close', (exitCode) =>
      resolve({ exitCode, stdout: Buffer.concat(chunks), stderr: errors.toString('utf8').trim(), overflow }),
    );
  });
}

/** What is fetched counts once its reference is written; a lock that is left behind has the copy made anew. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // all of it has ended
  }
}
