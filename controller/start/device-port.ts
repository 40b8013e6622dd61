// The device port: open under the controller's own authority, and published where devices look for it.
import type { Logger } from 'pino';
import type { JoinResponse } from '../../crds/join.ts';
import type { Client } from '../../kube/api/client.ts';
import { urlHost } from '../../kube/api/url-host.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { ArtifactStore } from '../artifacts/store.ts';
import { ensureSimulatedClass } from '../device-class/ship.ts';
import { loadCertificateAuthority } from '../device-port/certificate-authority.ts';
import { readClientAuthority } from '../device-port/client-authority.ts';
import { join } from '../device-port/join.ts';
import { mintJoinToken } from '../device-port/join-tokens.ts';
import { publishDevicePort } from '../device-port/publication.ts';
import { type DevicePort, startDevicePort } from '../device-port/server.ts';
import type { CompleteOptions } from '../options.ts';

export interface OpenDevicePort extends Pick<DevicePort, 'run' | 'close'> {
  /** As devices reach it. */
  url: string;
  /** A token that a device joins with. */
  mintJoinToken: (request: { validSeconds: number }) => Promise<string>;
}

export async function openDevicePort(
  options: CompleteOptions,
  deps: { client: Client; clock: Clock; logger: Logger; artifacts: ArtifactStore },
  signal: AbortSignal,
): Promise<OpenDevicePort> {
  const { client, clock, logger, artifacts } = deps;
  const { systemNamespace, agentsNamespace } = options;
  const authority = await loadCertificateAuthority(deps, systemNamespace, signal);
  let url = '';
  const port = await startDevicePort(
    {
      clock,
      logger: logger.child({ server: 'device-port' }),
      artifacts,
      authority,
      clientAuthority: (reading) => readClientAuthority(client, reading),
      join: (body, caller, joining) =>
        join(
          { client, clock, logger },
          {
            systemNamespace,
            apiServer: () => readApiServer(options),
            artifacts: (): JoinResponse['artifacts'] => ({ url, certificateAuthority: authority.certificate }),
            ensureSimulatedClass: (className, ensuring) => ensureSimulatedClass(client, className, ensuring),
          },
          body,
          caller,
          joining,
        ),
    },
    options.devicePort,
    signal,
  );
  url = options.devicePort.advertisedUrl ?? `https://${urlHost(options.devicePort.host)}:${port.port}`;
  await publishDevicePort(
    client,
    [systemNamespace, ...(agentsNamespace === undefined ? [] : [agentsNamespace])],
    { url, certificateAuthority: authority.certificate, caFingerprint: authority.fingerprint },
    signal,
  ).catch(async (error: unknown) => {
    await port.close();
    throw error;
  });
  return {
    url,
    run: (running) => port.run(running),
    close: () => port.close(),
    mintJoinToken: ({ validSeconds }) =>
      mintJoinToken(
        { client, clock },
        { namespace: systemNamespace, url, caFingerprint: authority.fingerprint, validSeconds },
        signal,
      ),
  };
}

/** As a device that joins now must know it. */
async function readApiServer({ apiServer }: Pick<CompleteOptions, 'apiServer'>): Promise<JoinResponse['apiServer']> {
  const { url, certificateAuthority, readCertificateAuthority } = apiServer;
  return { url, certificateAuthority: (await readCertificateAuthority?.()) ?? certificateAuthority };
}
