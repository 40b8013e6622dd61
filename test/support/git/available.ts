import { spawnSync } from 'node:child_process';

const probes = {
  git: ['git', '--version'],
  openssl: ['openssl', 'version'],
  sshd: ['/usr/sbin/sshd', '-V'],
} as const;

/** Whether a program is missing; says on the terminal what a suite is skipped for. */
export function lacks(program: keyof typeof probes): boolean {
  const [command, argument] = probes[program];
  const missing = spawnSync(command, [argument]).error !== undefined;
  if (missing) process.stderr.write(`skipped: ${program === 'sshd' ? 'openssh-server' : program} is not installed\n`);
  return missing;
}
