// Credentials from an exec plugin (cloud providers). The only place that loads @kubernetes/client-node at run time: 86 MiB.
import type { Connection } from './connection.ts';

/** Runs the plugin of one context. Its token lasts until the server answers 401; the connection's refresh then runs it again. */
export async function execCredentials(
  kubeconfig: string,
  context: string,
): Promise<Pick<Connection, 'token' | 'clientCertificate' | 'clientKey'>> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  config.setCurrentContext(context);
  const options: { headers?: Record<string, string>; cert?: unknown; key?: unknown } = {};
  try {
    await config.applyToHTTPSOptions(options as Parameters<typeof config.applyToHTTPSOptions>[0]);
  } catch (error) {
    const said = error instanceof Error ? error.message.trim() : String(error);
    throw new Error(`context ${context}: its exec plugin failed: ${said}; run the plugin's command by hand`, { cause: error });
  }
  const token = options.headers?.['Authorization']?.replace(/^Bearer /, '');
  return {
    ...(token === undefined ? {} : { token: async () => token }),
    ...(typeof options.cert === 'string' ? { clientCertificate: options.cert } : {}),
    ...(typeof options.key === 'string' ? { clientKey: options.key } : {}),
  };
}
