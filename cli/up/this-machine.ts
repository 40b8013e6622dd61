import { hostname } from 'node:os';

/** The host's name as a device name: a DNS-1123 label. */
export function thisMachineName(host: string = hostname()): string {
  const label = (host.split('.')[0] ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
  return label === '' ? 'this-machine' : label;
}
