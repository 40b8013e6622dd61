import type { Logger } from 'pino';
import { heartbeat as defaults, devicesNamespace, deviceUserName } from '../../crds/names.ts';
import { leases } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import { microTime } from '../../kube/meta/micro-time.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { hasEnded } from '../has-ended.ts';

interface Deps {
  client: Pick<Client, 'patch'>;
  clock: Clock;
  logger: Logger;
  random?: () => number;
  onBeat?: (reached: boolean) => void;
}

/** A failed beat is tried again sooner than the next is due. */
const retrySeconds = 10;
/** Of the interval, either way: a fleet that was switched on together does not beat together. */
const jitter = 0.1;

/** Renews the Lease of this device's name until the signal ends it. Only the renewal is written: the controller made the Lease and owns the rest. */
export async function beat(deps: Deps, deviceName: string, renewSeconds: number, signal: AbortSignal): Promise<void> {
  const random = deps.random ?? Math.random;
  while (!signal.aborted) {
    let seconds = renewSeconds * (1 - jitter + 2 * jitter * random());
    try {
      const spec = {
        holderIdentity: deviceUserName(deviceName),
        renewTime: microTime(deps.clock.now()),
        leaseDurationSeconds: Math.max(1, Math.round((renewSeconds / defaults.renewSeconds) * defaults.lostSeconds)),
      };
      const key = { namespace: devicesNamespace, name: deviceName };
      await deps.client.patch(leases, key, { kind: 'merge', body: { spec } }, { signal });
      deps.onBeat?.(true);
    } catch (error) {
      if (hasEnded(signal)) return;
      deps.logger.warn({ err: error }, 'no heartbeat: the API server was not reached or refused it; serving goes on');
      deps.onBeat?.(false);
      seconds = Math.min(seconds, retrySeconds * (1 + random()));
    }
    await deps.clock.sleep(seconds * 1000, signal).catch(() => {});
  }
}
