import { hostname, networkInterfaces } from 'node:os';
import { urlHost } from '../../kube/api/url-host.ts';

const wildcards = ['0.0.0.0', '::'];

/** Every name by which a client may reach a server that listens on `host`: what its certificate is for. */
export function serverNames(host: string): string[] {
  const local = ['localhost', '127.0.0.1', '::1'];
  if (!wildcards.includes(host)) return [...new Set([host, ...local])];
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  // An address such as fe80::1%eth0 is meaningful on this machine only.
  return [...new Set([...local, hostname(), ...addresses.filter((address) => !address.includes('%'))])];
}

/** The address for clients on this machine. */
export function localUrl(host: string, port: number): string {
  const reachable = wildcards.includes(host) ? '127.0.0.1' : host;
  return `https://${urlHost(reachable)}:${port}`;
}
