// Entry of the child process that reads a model: whatever the file does to it, the parent lives on.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { UnsupportedModelError } from './analyze.ts';
import type { AnalysisAnswer, AnalysisOrder } from './protocol.ts';
import { readGraph } from './reading.ts';

/** A process with one busy thread uses at most a second per second: the parent's limit comes first while there is a parent. */
const orphanFactor = 2;
/** The answer's pipe. */
const answerDescriptor = 3;

async function main(order: AnalysisOrder): Promise<AnalysisAnswer> {
  try {
    // The binding takes half floats as Uint16Array and trips over the newer class.
    Reflect.deleteProperty(globalThis, 'Float16Array');
    const runtime = await import('onnxruntime-node');
    limitResources(order.limits);
    return { kind: 'analyzed', analysis: await readGraph(order, runtime, runtimeVersion()) };
  } catch (error) {
    return refusal(error);
  }
}

/**
 * Memory on top of what the process holds now, and processor time for when the parent is gone and nobody looks at the clock.
 * Without prlimit the parent's watch on resident memory is the limit.
 */
function limitResources({ memoryBytes, seconds }: AnalysisOrder['limits']): void {
  const held = /^VmData:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  if (held === undefined) return;
  try {
    const limits = [`--data=${Number(held) * 1024 + memoryBytes}`, `--cpu=${Math.ceil(orphanFactor * seconds) + 1}`];
    execFileSync('prlimit', [`--pid=${process.pid}`, ...limits], { stdio: 'ignore' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function runtimeVersion(): string {
  const manifest = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  return manifest.version;
}

function refusal(error: unknown): AnalysisAnswer {
  if (error instanceof UnsupportedModelError) return { kind: 'unsupported', reason: error.reason, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError && /allocation|Invalid (array|typed array) length|Array buffer/i.test(message))
    return {
      kind: 'unsupported',
      reason: 'OutOfMemory',
      message: `reading the model needs more memory than the limit: ${message}`,
    };
  return { kind: 'unsupported', reason: 'Invalid', message: `the model cannot be read: ${message.slice(0, 400)}` };
}

const order = JSON.parse(process.argv[2] ?? '{}') as AnalysisOrder;
const answer = Buffer.from(JSON.stringify(await main(order)));
for (let written = 0; written < answer.length; ) written += writeSync(answerDescriptor, answer, written);
// Native threads and half-freed sessions must not keep the process.
process.exit(0);
