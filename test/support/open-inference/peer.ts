// MLServer from PyPI with an ONNX runtime around the same models: the peer that the agent is compared with, and a real upstream.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { findPython } from '../clients/available.ts';
import { eventually } from '../eventually.ts';
import { freePort } from '../free-port.ts';

const folder = path.join(import.meta.dirname, '../../e2e/peer');

/** A Python with MLServer, or undefined after saying why there is none. */
export const findPeer = () => findPython(path.join(folder, 'requirements.txt'));

export interface Peer extends AsyncDisposable {
  pid: number;
  url: string;
  grpc: string;
  /** What it keeps its models in. */
  directory: string;
}

export interface PeerModel {
  name: string;
  /** An .onnx file. */
  file: string;
  version: string;
}

/** @param python of findPeer. Resolves when all models are ready, or with `empty` as soon as it answers. */
export async function startPeer(python: string, models: readonly PeerModel[], { empty = false } = {}): Promise<Peer> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-peer-'));
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const settings = {
    host: '127.0.0.1',
    http_port: http,
    grpc_port: grpc,
    metrics_port: metrics,
    load_models_at_startup: !empty,
    parallel_workers: 0,
    debug: false,
    use_structured_logging: false,
  };
  await writeFile(path.join(directory, 'settings.json'), JSON.stringify(settings));
  for (const { name, file, version } of models) {
    const at = path.join(directory, name);
    await mkdir(at);
    await copyFile(file, path.join(at, 'model.onnx'));
    const model = { name, implementation: 'onnx_runtime.OnnxRuntime', parameters: { uri: './model.onnx', version } };
    await writeFile(path.join(at, 'model-settings.json'), JSON.stringify(model));
  }
  const environment = { ...process.env, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' };
  const child = spawn(path.join(path.dirname(python), 'mlserver'), ['start', directory], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-4000);
  });
  const url = `http://127.0.0.1:${http}`;
  const stop = async () => {
    await stopChild(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`the peer ended with ${child.exitCode}: ${said}`);
      if ((await fetch(`${url}/v2/health/live`)).status !== 200) throw new Error(said);
      for (const { name } of empty ? [] : models) {
        const { status } = await fetch(`${url}/v2/models/${name}/ready`);
        if (status !== 200) throw new Error(`${name} is not ready: ${status} ${said}`);
      }
    }, 60);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid ?? 0, url, grpc: `127.0.0.1:${grpc}`, directory, [Symbol.asyncDispose]: stop };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const insist = setTimeout(() => child.kill('SIGKILL'), 5000);
  await exit;
  clearTimeout(insist);
}
