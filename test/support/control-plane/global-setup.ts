// One real control plane for all cluster tests of a run.
import type { TestProject } from 'vitest/node';
import { startControlPlane } from '../control-plane.ts';
import { findBinaries } from './binaries.ts';

/** What a worker needs to use the shared control plane: plain data, it crosses a process boundary. */
export type SharedControlPlane =
  | { kind: 'absent'; reason: string }
  | {
      kind: 'running';
      server: string;
      caPem: string;
      clientAuthorityKeyPem: string;
      adminToken: string;
      kubeconfigPath: string;
      controllerManager: boolean;
    };

declare module 'vitest' {
  export interface ProvidedContext {
    controlPlane: SharedControlPlane;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binaries = await findBinaries();
  if (binaries.kind === 'absent') {
    // On a machine that must prove the tree, a suite that quietly does not run proves nothing.
    if (process.env['CI']) throw new Error(binaries.reason);
    process.stderr.write(`\nCluster tests are skipped: ${binaries.reason}.\n\n`);
    project.provide('controlPlane', binaries);
    return async () => {};
  }
  const controllerManager = binaries.controllerManager !== undefined;
  const plane = await startControlPlane({ binaries, controllerManager });
  project.provide('controlPlane', {
    kind: 'running',
    server: plane.connection.server,
    caPem: plane.caPem,
    clientAuthorityKeyPem: plane.clientAuthority.keyPem,
    adminToken: plane.adminToken,
    kubeconfigPath: plane.kubeconfigPath,
    controllerManager,
  });
  return () => plane.stop();
}
