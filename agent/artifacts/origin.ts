import { Agent } from 'undici';
import type { DeviceIdentity } from '../identity/device-identity.ts';
import type { ArtifactOrigin } from './downloader.ts';

/** Where artifacts come from, with the certificate of now. */
export class IdentityOrigin {
  #origin: ArtifactOrigin | undefined;

  get = (): ArtifactOrigin | undefined => this.#origin;

  use(identity: DeviceIdentity): void {
    const old = this.#origin?.dispatcher;
    this.#origin = {
      url: identity.artifacts.url,
      dispatcher: new Agent({
        connect: { ca: identity.artifacts.certificateAuthority, cert: identity.certificate, key: identity.key },
        connections: 4,
      }),
    };
    // Transfers that run on the old certificate finish by themselves.
    void old?.close();
  }

  async close(): Promise<void> {
    await this.#origin?.dispatcher.destroy();
  }
}
