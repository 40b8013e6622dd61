// How to reach one API server and who to be there. PEM text, never file names: files are the business of kubeconfig.ts.

export interface Connection {
  /** Such as `https://10.0.0.1:6443`; a path prefix is kept. */
  server: string;
  /** PEM; without it the system's own authorities count. */
  certificateAuthority?: string;
  /** PEM */
  clientCertificate?: string;
  /** PEM */
  clientKey?: string;
  /** Asked for every call, so that a rotated token file is seen. */
  token?: () => Promise<string>;
  insecureSkipTlsVerify?: boolean;
  /** Expected in the server's certificate instead of the host of `server`. */
  serverName?: string;
  /** The context's default namespace. */
  namespace?: string;
  /** Reads everything again from where it came: asked after a 401 or a TLS failure, when credentials may have rotated. */
  refresh?: () => Promise<Connection>;
}
