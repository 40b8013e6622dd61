// A port that was free once is taken again at the next start, so that addresses in status and in people's shells stay true.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { writeFileAtomic } from '../../agent/disk/atomic-file.ts';

export class RememberedPorts {
  readonly #file: string;
  readonly #ports: Map<string, number>;

  private constructor(file: string, ports: Map<string, number>) {
    this.#file = file;
    this.#ports = ports;
  }

  static async open(dataDirectory: string): Promise<RememberedPorts> {
    const file = join(dataDirectory, 'ports.json');
    const text = await readFile(file, 'utf8').catch(() => '{}');
    return new RememberedPorts(file, new Map(Object.entries(parse(text))));
  }

  /** The port to ask for: the wanted one; when any will do, the one used last if nobody has taken it. */
  async choose(use: string, wanted: number): Promise<number> {
    const last = this.#ports.get(use);
    if (wanted !== 0 || last === undefined) return wanted;
    return (await isFree(last)) ? last : 0;
  }

  async remember(used: Record<string, string>): Promise<void> {
    for (const [use, url] of Object.entries(used)) this.#ports.set(use, Number(new URL(url).port));
    await writeFileAtomic(this.#file, `${JSON.stringify(Object.fromEntries(this.#ports), null, 2)}\n`);
  }
}

function parse(text: string): Record<string, number> {
  try {
    const ports = JSON.parse(text) as unknown;
    if (typeof ports !== 'object' || ports === null) return {};
    return Object.fromEntries(Object.entries(ports).filter((entry): entry is [string, number] => isPort(entry[1])));
  } catch {
    return {}; // a convenience, not state: a damaged file costs new ports and nothing else
  }
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) <= 65_535;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
