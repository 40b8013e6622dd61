// The meter that a calibration measures with: found on this machine, or fed by another program.
import type { Logger } from 'pino';
import type { Boundary } from '../../crds/shared.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { startHttpServer } from '../http/http-server.ts';
import { createTelemetryHandler } from '../http/telemetry-handler.ts';
import type { NodePower } from '../power/node-power.ts';
import type { PowerMeter } from '../power/power-meter.ts';
import { ExternalSources } from '../power/sources/external.ts';

export interface PushPort {
  host: string;
  port: number;
  /** Told once the port takes pushes. */
  onListening: (url: string) => void;
}

/** Nothing here says how much power the board draws. */
export class NoPowerSourceError extends Error {
  override readonly name = 'NoPowerSourceError';
  /** What was looked for, and why it was not there. */
  readonly looked: readonly string[];

  constructor(message: string, looked: readonly string[]) {
    super(message);
    this.looked = looked;
  }
}

const pollMilliseconds = 200;
const pushPatienceMilliseconds = 120_000;

/** @param boundary the widest that there is when absent; where pushes are taken, what is pushed. @throws NoPowerSourceError */
export function chooseMeter(power: NodePower, boundary: Boundary | undefined, pushed = false): PowerMeter {
  const external = power.meters.find(
    ({ source }) => source.kind === 'external' && source.boundary === (boundary ?? source.boundary),
  );
  if (pushed && external) return external;
  const meter = boundary === undefined ? (power.total ?? power.meters.find(({ source }) => !source.partial)) : power.at(boundary);
  if (meter) return meter;
  const found = power.meters.map(({ source }) => `${source.name} (${source.boundary}${source.partial ? ', a part of it' : ''})`);
  const looked = power.probes.flatMap(({ looked, why }) => (why === undefined ? [] : [`${looked}: ${why}`]));
  throw new NoPowerSourceError(
    boundary === undefined || found.length === 0
      ? 'no power source was found on this machine'
      : `no power source measures at boundary ${boundary}; there are ${found.join(', ')}`,
    looked,
  );
}

/** Takes pushes at POST /telemetry until disposed; resolves with the first push, which makes the source. @throws NoPowerSourceError when none comes. */
export async function listenForPushes(
  { host, port, onListening }: PushPort,
  power: NodePower,
  deps: { clock: Clock; logger: Logger },
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const { clock, logger } = deps;
  const before = power.meters.length;
  const external = new ExternalSources({ clock, onNew: (source) => power.add(source) });
  const server = await startHttpServer({ host, port, handlers: [createTelemetryHandler(external)] }, { logger });
  try {
    onListening(server.url);
    const deadline = clock.monotonic() + pushPatienceMilliseconds;
    while (power.meters.length === before) {
      if (clock.monotonic() > deadline)
        throw new NoPowerSourceError(`nothing was pushed to ${server.url}/telemetry for ${pushPatienceMilliseconds / 1000} s`, [
          `POST ${server.url}/telemetry with {"source": "…", "boundary": "Board", "energy_j": …}`,
        ]);
      await clock.sleep(pollMilliseconds, signal);
    }
    return { [Symbol.asyncDispose]: () => server.close() };
  } catch (error) {
    await server.close();
    throw error;
  }
}
