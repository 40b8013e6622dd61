// A connection as it is sent to another process: functions cannot be.
import type { Connection } from '../../../kube/api/connection.ts';

export interface WireConnection {
  server: string;
  certificateAuthority?: string;
  clientCertificate?: string;
  clientKey?: string;
  bearer?: string;
}

export async function toWire(connection: Connection): Promise<WireConnection> {
  const { server, certificateAuthority, clientCertificate, clientKey } = connection;
  const bearer = await connection.token?.();
  return {
    server,
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(clientKey === undefined ? {} : { clientKey }),
    ...(bearer === undefined ? {} : { bearer }),
  };
}

export function fromWire({ bearer, ...connection }: WireConnection): Connection {
  return { ...connection, ...(bearer === undefined ? {} : { token: async () => bearer }) };
}
