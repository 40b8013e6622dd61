// One model in a process of its own: what it does wrong stays here. Speaks frames on file descriptor 3 and ends when that closes; large
// requests lie in the file of descriptor 4.
import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import net from 'node:net';
import type { InferenceSession } from 'onnxruntime-node';
import { encodeFrame, type Frame, FrameReader, type FrameType, frameTypes } from '../frames.ts';
import { readPlace } from '../shared-area.ts';
import { decodeInfer, encodeResult } from '../tensor-frame.ts';
import type { FailureMessage, HelloMessage, LoadedMessage, LoadMessage } from './messages.ts';
import { describe, fromRuntimeTensor, InvalidTensorError, toRuntimeTensor } from './runtime-tensors.ts';

// Where Float16Array exists, onnxruntime-common maps FP16 to it and the native binding then rejects it. Without it, FP16 is Uint16Array on both sides.
Reflect.deleteProperty(globalThis, 'Float16Array');
const runtime = await import('onnxruntime-node');

const reader = new FrameReader();
const socket = new net.Socket({ fd: 3 });
const sharedArea = 4;
let session: InferenceSession | undefined;

function send(type: FrameType, id: number, payload: Uint8Array): void {
  socket.cork();
  for (const part of encodeFrame(type, id, payload)) socket.write(part);
  socket.uncork();
}

const sendJson = (type: FrameType, id: number, message: HelloMessage | LoadedMessage | FailureMessage) =>
  send(type, id, Buffer.from(JSON.stringify(message)));

async function load(frame: Frame): Promise<void> {
  const order = JSON.parse(Buffer.from(frame.payload).toString('utf8')) as LoadMessage;
  const started = performance.now();
  try {
    session = await runtime.InferenceSession.create(order.file, {
      executionProviders: order.executionProviders,
      intraOpNumThreads: order.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // Without it every run maps and faults its tensors anew: 7 % of ResNet-50's processor time, 14 % of a small network's, against 13 MiB
      // more with ResNet-50 and none with small ones.
      enableCpuMemArena: true,
      logSeverityLevel: 3,
      // Spinning burns CPU between requests: 29 ms of it per inference at 20/s against 1 ms, at no better latency.
      extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
    });
    const loaded = { inputs: describe(session.inputMetadata), outputs: describe(session.outputMetadata) };
    sendJson(frameTypes.loaded, frame.id, { ...loaded, loadMilliseconds: performance.now() - started });
  } catch (error) {
    const message = messageOf(error);
    sendJson(frameTypes.loadFailed, frame.id, { kind: isMemory(message) ? 'memory' : 'unsupported', message });
  }
}

async function infer(frame: Frame): Promise<void> {
  try {
    if (!session) throw new Error('no model is loaded');
    const request = decodeInfer(frame.type === frameTypes.inferPlaced ? readPlace(sharedArea, frame.payload) : frame.payload);
    const feeds: Record<string, InferenceSession.OnnxValueMapType[string]> = {};
    for (const input of request.inputs) feeds[input.name] = toRuntimeTensor(runtime.Tensor, input);
    const started = performance.now();
    const results = request.outputs.length > 0 ? await session.run(feeds, request.outputs) : await session.run(feeds);
    const modelMicroseconds = (performance.now() - started) * 1000;
    const outputs = Object.entries(results).map(([name, value]) => fromRuntimeTensor(name, value as never));
    send(frameTypes.result, frame.id, encodeResult({ modelMicroseconds, outputs }));
  } catch (error) {
    const message = messageOf(error);
    const kind = error instanceof InvalidTensorError ? 'invalid' : isMemory(message) ? 'memory' : 'failed';
    sendJson(frameTypes.failed, frame.id, { kind, message });
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 2000);
}

/** The runtime reports a failed allocation in words only; its error carries no code. */
function isMemory(message: string): boolean {
  return /bad_alloc|Failed to allocate memory|out of memory|Array buffer allocation failed/i.test(message);
}

/** RLIMIT_DATA counts this; 0 where the kernel does not say. */
function dataBytes(): number {
  try {
    const kilobytes = /^VmData:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kilobytes === undefined ? 0 : Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}

/** In the order in which they came; the first is being worked on. */
const calls: Frame[] = [];
const skipped = new Set<number>();

async function work(): Promise<void> {
  for (let call = calls[0]; call; call = calls[0]) {
    if (skipped.delete(call.id)) sendJson(frameTypes.failed, call.id, { kind: 'failed', message: 'it was taken back' });
    else if (call.type === frameTypes.load) await load(call);
    else await infer(call);
    calls.shift();
    // A run holds this thread: what came meanwhile, such as the word that the next call is taken back, is read first.
    if (calls.length > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

socket.on('data', (chunk: Buffer) => {
  for (const frame of reader.push(chunk)) {
    if (frame.type === frameTypes.skip) {
      if (calls.some((call, index) => index > 0 && call.id === frame.id)) skipped.add(frame.id);
    } else if (calls.push(frame) === 1) void work();
  }
});
socket.on('end', () => process.exit(0));
socket.on('error', () => process.exit(0));

sendJson(frameTypes.hello, 0, {
  runtimeVersion: runtime.env.versions.node ?? '',
  dataBytes: dataBytes(),
  executionProviders: runtime.listSupportedBackends().map((backend) => backend.name),
});
// Where NODE_COMPILE_CACHE is set: this process is killed, not ended, so it would keep nothing. The next one needs 17 MiB less.
flushCompileCache();
