// A Git host over ssh: the real sshd of this machine on a loopback port, with keys of its own, for one user and one key.
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../eventually.ts';
import { freePort } from '../free-port.ts';

const run = promisify(execFile);
const sshd = '/usr/sbin/sshd';

export interface SshHost {
  port: number;
  /** Of a directory on it. */
  urlOf(directory: string): string;
  /** A private key that is let in, without a passphrase. */
  deployKey: string;
  /** One that is not. */
  strangeKey: string;
  /** The line of known_hosts that ssh-keyscan would print. */
  knownHosts: string;
  /** The same address with the key of another host. */
  wrongKnownHosts: string;
  close(): Promise<void>;
}

export async function startSshHost(): Promise<SshHost> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'jouleops-sshd-'));
  const at = (name: string) => path.join(folder, name);
  for (const name of ['host', 'other-host', 'deploy', 'strange'])
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)]);
  await writeFile(at('authorized_keys'), await readFile(at('deploy.pub')), { mode: 0o600 });
  await chmod(folder, 0o700);
  // Where sshd of Debian wants to separate its privileges; it is empty and stays so.
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  const options = [
    `Port=${port}`,
    'ListenAddress=127.0.0.1',
    `HostKey=${at('host')}`,
    `AuthorizedKeysFile=${at('authorized_keys')}`,
    'PasswordAuthentication=no',
    'KbdInteractiveAuthentication=no',
    'PermitRootLogin=prohibit-password',
    'UsePAM=no',
    'StrictModes=no',
    'PidFile=none',
    'LogLevel=VERBOSE',
  ];
  const server = spawn(sshd, ['-D', '-e', '-f', '/dev/null', ...options.flatMap((option) => ['-o', option])], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-4000);
  });
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const close = async () => {
    server.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await eventually(() => reach(port), 10);
  } catch (error) {
    await close();
    throw new Error(`sshd does not answer: ${log}`, { cause: error });
  }
  const lineOf = async (name: string) => {
    const [type = '', key = ''] = (await readFile(at(`${name}.pub`), 'utf8')).split(' ');
    return `[127.0.0.1]:${port} ${type} ${key}\n`;
  };
  return {
    port,
    urlOf: (directory) => `ssh://${os.userInfo().username}@127.0.0.1:${port}${directory}`,
    deployKey: await readFile(at('deploy'), 'utf8'),
    strangeKey: await readFile(at('strange'), 'utf8'),
    knownHosts: await lineOf('host'),
    wrongKnownHosts: await lineOf('other-host'),
    close,
  };
}

function reach(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
