// Calls to the process of a model: in turn, sent ahead, taken back, and ended with it. The process is a test's.
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { fstatSync } from 'node:fs';
import { type Duplex, duplexPair, PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Call, Channel } from '../../../agent/inference/channel.ts';
import { encodeFrame, type Frame, FrameReader, frameTypes } from '../../../agent/inference/frames.ts';
import { SharedArea } from '../../../agent/inference/shared-area.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const nothing = new Uint8Array();
const infer = (payload: Uint8Array = nothing): Call => ({ type: frameTypes.infer, payload, timeoutSeconds: 10 });

function inodeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).ino;
  } catch {
    return undefined; // it is closed
  }
}

class FakeProcess extends EventEmitter {
  readonly pid = 1;
  readonly stderr = new PassThrough();
  readonly stdio: ChildProcess['stdio'];
  /** What it was sent and has not answered yet, words that a call is taken back included. */
  readonly received: Frame[] = [];
  readonly #side: Duplex;
  #isGone = false;

  constructor() {
    super();
    const [near, far] = duplexPair();
    this.stdio = [null, null, this.stderr, near, null];
    this.#side = far;
    const reader = new FrameReader();
    far.on('data', (chunk: Buffer) => this.received.push(...reader.push(chunk)));
  }

  kill(): boolean {
    this.end(null, 'SIGKILL');
    return true;
  }

  end(code: number | null, signalName: string | null): void {
    if (this.#isGone) return;
    this.#isGone = true;
    setImmediate(() => this.emit('close', code, signalName));
  }

  say(id: number): void {
    for (const part of encodeFrame(frameTypes.result, id, nothing)) this.#side.write(part);
  }

  /** The oldest call that it has, once it has one. @returns its id */
  async answer(): Promise<number> {
    await eventually(() => expect(this.received.length).toBeGreaterThan(0));
    const id = this.received.shift()?.id ?? -1;
    this.say(id);
    return id;
  }
}

async function connect(area?: SharedArea) {
  const child = new FakeProcess();
  const deps = { clock: new FakeClock(), logger: silentLogger };
  const options = { name: 'm', helloSeconds: 10 };
  const channel = new Channel(child as never, area, options, deps);
  child.say(0);
  expect(await channel.hello).toMatchObject({ kind: 'answered' });
  return { child, channel };
}

describe('calls to the process of a model', () => {
  it('go on when every number that a frame can carry has been used', async () => {
    const { child, channel } = await connect();
    const ids = new Set<number>();
    for (let call = 0; call < 70_000; call++) {
      const outcome = channel.call(infer());
      while (child.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
      const id = child.received.shift()?.id ?? -1;
      ids.add(id);
      child.say(id);
      expect((await outcome).kind).toBe('answered');
    }
    expect(Math.max(...ids)).toBe(0xffff);
    expect(Math.min(...ids)).toBe(1);
    channel.kill('was stopped');
    await channel.exited;
  }, 20_000);

  it('are sent one ahead, and one that is taken back meanwhile keeps its turn in the process alone', async () => {
    const { child, channel } = await connect();
    const taken = new AbortController();
    const [first, second, third] = [
      channel.call(infer()),
      channel.call({ ...infer(), signal: taken.signal }),
      channel.call(infer()),
    ];
    await eventually(() => expect(child.received.map(({ id }) => id)).toEqual([1, 2]));
    taken.abort();
    expect(await second).toEqual({ kind: 'withdrawn' });
    await eventually(() =>
      expect(child.received.map(({ id, type }) => [id, type])).toEqual([
        [1, frameTypes.infer],
        [2, frameTypes.infer],
        [2, frameTypes.skip],
      ]),
    );
    child.received.length = 0;
    child.say(1);
    expect(await first).toMatchObject({ kind: 'answered', frame: { id: 1 } });
    child.say(2);
    expect(await child.answer()).toBe(3);
    expect(await third).toMatchObject({ kind: 'answered', frame: { id: 3 } });
    channel.kill('was stopped');
    await channel.exited;
  });

  it('end with it: the one that ran is told why, the one on its way may be sent to the next', async () => {
    const { child, channel } = await connect();
    const [first, second] = [channel.call(infer()), channel.call(infer())];
    child.stderr.write(
      'node:internal/modules/cjs/loader:2087\n\nError: libonnxruntime.so.1: file too short\n    at Module.load\n',
    );
    await eventually(() => expect(child.received).toHaveLength(2));
    child.end(1, null);
    const why = 'exited with code 1 (Error: libonnxruntime.so.1: file too short)';
    expect(await Promise.all([first, second])).toEqual([{ kind: 'ended', why }, { kind: 'notBegun' }]);
    expect(await channel.exited).toBe(why);
    expect(await channel.call(infer())).toEqual({ kind: 'notBegun' });
  });

  it('are told how it ended, and not that its socket was closed', async () => {
    const { child, channel } = await connect();
    const call = channel.call(infer());
    child.end(null, 'SIGSEGV');
    child.stdio[3]?.destroy(new Error('EPIPE'));
    expect(await call).toEqual({ kind: 'ended', why: 'was ended by SIGSEGV' });
    expect(await channel.call(infer())).toEqual({ kind: 'notBegun' });
  });

  it('leave their places free for others, and nothing open behind', async () => {
    const area = SharedArea.open();
    if (!area) throw new Error('no area, though /dev/shm is there');
    const { child, channel } = await connect(area);
    const large = new Uint8Array(100 * 1024);
    for (let round = 0; round < 5; round++) {
      const taken = new AbortController();
      const [first, second] = [channel.call(infer(large)), channel.call({ ...infer(large), signal: taken.signal })];
      await eventually(() => expect(child.received).toHaveLength(2));
      expect(child.received.map(({ type }) => type)).toEqual([frameTypes.inferPlaced, frameTypes.inferPlaced]);
      taken.abort();
      await second;
      await child.answer();
      await child.answer();
      await first;
      await eventually(() => expect(child.received.map(({ type }) => type)).toEqual([frameTypes.skip]));
      child.received.length = 0;
    }
    const inode = inodeOf(area.fd);
    expect(inode).toBeDefined();
    channel.kill('was stopped');
    await channel.exited;
    await eventually(() => expect(inodeOf(area.fd)).not.toBe(inode));
  });
});
