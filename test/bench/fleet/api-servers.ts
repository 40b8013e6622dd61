// The API servers that a fleet is measured on.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBinaries } from '../../support/control-plane/binaries.ts';
import { startControlPlane } from '../../support/control-plane.ts';
import { WorkerProcess } from '../harness/worker-process.ts';
import { toWire, type WireConnection } from './wire-connection.ts';

export type ServerKind = 'embedded' | 'kube-apiserver';

export interface BenchServer {
  kind: ServerKind;
  connection: WireConnection;
  /** A real one is several. */
  processes: { name: string; pid: number }[];
  stop(): Promise<void>;
}

/** @returns undefined where this machine has no kube-apiserver. */
export async function startBenchServer(kind: ServerKind, note: (text: string) => void): Promise<BenchServer | undefined> {
  return kind === 'embedded' ? startEmbedded() : startKubernetes(note);
}

async function startEmbedded(): Promise<BenchServer> {
  const directory = await mkdtemp(join(tmpdir(), 'jouleops-bench-server-'));
  const worker = WorkerProcess.start('api-server.ts');
  const stop = async () => {
    await worker.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const connection = await worker.call<WireConnection>('start', { dataDirectory: directory });
    return { kind: 'embedded', connection, processes: [{ name: 'embedded API server', pid: worker.pid }], stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startKubernetes(note: (text: string) => void): Promise<BenchServer | undefined> {
  const binaries = await findBinaries();
  if (binaries.kind === 'absent') {
    note(`  kube-apiserver left out: ${binaries.reason}`);
    return undefined;
  }
  const plane = await startControlPlane({ binaries });
  return {
    kind: 'kube-apiserver',
    connection: await toWire(plane.connection),
    processes: plane.processes(),
    stop: () => plane.stop(),
  };
}
