import { spawnSync } from 'node:child_process';

/** Whether a program is missing; says on the terminal what a suite is skipped for. */
export function lacks(program: 'git' | 'openssl'): boolean {
  const missing = spawnSync(program, [program === 'git' ? '--version' : 'version']).error !== undefined;
  if (missing) process.stderr.write(`skipped: ${program} is not installed\n`);
  return missing;
}
