import type { Connection } from '../../../kube/api/connection.ts';

/** A server under test, reached as its administrator. */
export interface ApiServer {
  admin: Connection;
  close(): Promise<void>;
}
