// ONNX Runtime alone, with the agent's session options: what no server around it can be faster than.
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { answerCalls } from '../harness/worker-process.ts';

interface Feed {
  input: string;
  shape: number[];
}

let session: InferenceSession | undefined;
let feeds: Record<string, Tensor> = {};

async function runOnce(): Promise<number> {
  if (!session) throw new Error('no model is loaded');
  const started = performance.now();
  await session.run(feeds);
  return performance.now() - started;
}

answerCalls(
  {
    load: async ({ file, feed }: { file: string; feed: Feed }): Promise<void> => {
      session = await InferenceSession.create(file, {
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        enableCpuMemArena: true,
        logSeverityLevel: 3,
        extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
      });
      const size = feed.shape.reduce((product, length) => product * length, 1);
      feeds = { [feed.input]: new Tensor('float32', new Float32Array(size).fill(0.5), feed.shape) };
    },
    /** Milliseconds of each run. */
    run: async ({ count }: { count: number }): Promise<number[]> => {
      const samples: number[] = [];
      for (let index = 0; index < count; index++) samples.push(await runOnce());
      return samples;
    },
  },
  async () => undefined,
);
