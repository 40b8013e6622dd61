import { join } from 'node:path';
import { writeFileAtomic } from '../../agent/disk/atomic-file.ts';
import type { AgentReadiness } from '../../agent/options.ts';
import { edgeDevices } from '../../crds/resources.ts';
import type { Client } from '../../kube/api/client.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { CommandError } from '../exit-codes.ts';

/** DIR/endpoints.json: what scripts need to talk to a running `jouleops up`. */
export interface Endpoints {
  apiServer: string;
  web: string;
  devices: { name: string; class: string; simulated: boolean; url: string }[];
}

export async function writeEndpoints(dataDirectory: string, endpoints: Endpoints): Promise<void> {
  await writeFileAtomic(join(dataDirectory, 'endpoints.json'), `${JSON.stringify(endpoints, null, 2)}\n`);
}

/** The class is the controller's to say; it has it as soon as the device has joined and said what board it is. */
export async function describeDevices(
  client: Client,
  devices: readonly AgentReadiness[],
  signal: AbortSignal,
): Promise<Endpoints['devices']> {
  return Promise.all(
    devices.map(async (device) => ({
      name: device.name,
      class: device.simulated && device.class !== undefined ? device.class : await classOf(client, device.name, signal),
      simulated: device.simulated,
      url: device.url,
    })),
  );
}

async function classOf(client: Client, name: string, signal: AbortSignal): Promise<string> {
  const deadline = systemClock.monotonic() + 30_000;
  for (;;) {
    const device = await client.get(edgeDevices, { name }, { signal }).catch(() => undefined);
    if (device?.status?.deviceClassName) return device.status.deviceClassName;
    if (systemClock.monotonic() > deadline) {
      throw new CommandError(
        `device ${name} joined no class within 30 s`,
        `see "kubectl describe edev ${name}" and the logs in the data directory`,
      );
    }
    await systemClock.sleep(50, signal);
  }
}
