// Calls over frames to a child that takes one after the other: how they are sent ahead, withdrawn, timed, and end with the child.
import type { ChildProcess } from 'node:child_process';
import type net from 'node:net';
import type { Logger } from 'pino';
import type { Clock } from '../../kube/runtime/clock.ts';
import { encodeFrame, type Frame, FrameReader, type FrameType, frameTypes } from './frames.ts';
import { encodePlace, type Place, type SharedArea } from './shared-area.ts';

/**
 * - `answered`: `beganAt` (monotonic milliseconds) is when the call before it was answered, or when it was sent
 * - `ended`: the child ended during this call, with why
 * - `notBegun`: the child ended before its turn came
 * - `withdrawn`: the signal aborted before its turn came
 */
export type Outcome =
  | { kind: 'answered'; frame: Frame; beganAt: number }
  | { kind: 'ended'; why: string }
  | { kind: 'notBegun' }
  | { kind: 'withdrawn' };

export interface Call {
  type: FrameType;
  payload: Uint8Array;
  /** The child is killed when the answer takes longer, counted from the call's turn. */
  timeoutSeconds: number;
  signal?: AbortSignal;
}

/** The next call is sent before its turn unless it is larger: what lies in the child counts against the model's memory. */
const aheadBytes = 4 * 1024 * 1024;

const helloId = 0;
const maximumId = 0xffff;

interface Outstanding {
  id: number;
  timeoutSeconds: number;
  /** What is still to be sent. */
  unsent: Pick<Call, 'type' | 'payload'> | undefined;
  place: Place | undefined;
  beganAt: number | undefined;
  settle(outcome: Outcome): void;
}

export class Channel {
  /** Resolves when the child is gone, with why. */
  readonly exited: Promise<string>;
  /** The child speaks first; calls come after that. */
  readonly hello: Promise<Outcome>;
  readonly #child: ChildProcess;
  readonly #socket: net.Socket;
  readonly #area: SharedArea | undefined;
  readonly #clock: Clock;
  readonly #reader = new FrameReader();
  /** In the order of their turns; the first has begun. */
  readonly #outstanding: Outstanding[] = [];
  #timer: NodeJS.Timeout | undefined;
  #lastId = helloId;
  #goneBecause: string | undefined;
  #takesCalls = true;

  /** The area is the channel's from here on. */
  constructor(
    child: ChildProcess,
    area: SharedArea | undefined,
    { name, helloSeconds }: { name: string; helloSeconds: number },
    deps: { clock: Clock; logger: Logger },
  ) {
    this.#child = child;
    this.#area = area;
    this.#clock = deps.clock;
    this.#socket = child.stdio[3] as net.Socket;
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // Most often it is gone already: how it ended says more than that its socket is closed.
    this.#socket.on('error', () => this.#terminate());
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString('utf8')).slice(-2000);
    });
    this.exited = new Promise((resolve) => {
      const onGone = (why: string) => {
        this.#goneBecause ??= why;
        this.#takesCalls = false;
        if (complaint !== '') deps.logger.debug({ model: name, complaint }, 'what the model process wrote before it ended');
        this.#end(this.#goneBecause);
        resolve(this.#goneBecause);
      };
      child.once('error', (error) => onGone(`could not be started (${error.message})`));
      // Not 'exit': what it answered and complained of before is read first.
      child.once('close', (code, signalName) => {
        const error = /^(?:\w*Error|FATAL ERROR): .+$/m.exec(complaint)?.[0].slice(0, 300);
        onGone(
          (signalName ? `was ended by ${signalName}` : `exited with code ${code}`) + (error === undefined ? '' : ` (${error})`),
        );
      });
    });
    // Not in onGone, which an error and the exit after it both call: a second close would take somebody else's file.
    void this.exited.then(() => area?.close());
    this.hello = new Promise((settle) => {
      const nothing = { unsent: undefined, place: undefined, beganAt: undefined };
      this.#enter({ id: helloId, timeoutSeconds: helloSeconds, ...nothing, settle });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(why: string): void {
    this.#goneBecause ??= why;
    this.#terminate();
  }

  call({ type, payload, timeoutSeconds, signal }: Call): Promise<Outcome> {
    if (!this.#takesCalls) return Promise.resolve({ kind: 'notBegun' });
    if (signal?.aborted) return Promise.resolve({ kind: 'withdrawn' });
    return new Promise((resolve) => {
      const onAbort = () => this.#withdraw(entry);
      const entry: Outstanding = {
        id: this.#takeId(),
        timeoutSeconds,
        unsent: { type, payload },
        place: undefined,
        beganAt: undefined,
        settle: (outcome) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(outcome);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#enter(entry);
    });
  }

  #terminate(): void {
    this.#takesCalls = false;
    this.#child.kill('SIGKILL');
  }

  /** Begins again long before the field of a frame ends: a process may answer for years. No more than a few are outstanding. */
  #takeId(): number {
    this.#lastId = (this.#lastId % maximumId) + 1;
    return this.#lastId;
  }

  #enter(entry: Outstanding): void {
    this.#outstanding.push(entry);
    if (this.#outstanding.length === 1) this.#begin(entry);
    this.#sendAhead();
  }

  #begin(entry: Outstanding): void {
    entry.beganAt = this.#clock.monotonic();
    const { timeoutSeconds } = entry;
    this.#timer = setTimeout(() => this.kill(`did not answer within ${timeoutSeconds} s and was killed`), timeoutSeconds * 1000);
    this.#send(entry);
  }

  /** So that the child finds the next call when it is done with this one. */
  #sendAhead(): void {
    const [, next] = this.#outstanding;
    if (next?.unsent && next.unsent.payload.byteLength <= aheadBytes) this.#send(next);
  }

  #send(entry: Outstanding): void {
    const { id, unsent } = entry;
    if (!unsent) return;
    entry.unsent = undefined;
    entry.place = unsent.type === frameTypes.infer ? this.#area?.put(unsent.payload) : undefined;
    if (entry.place) this.#write(encodeFrame(frameTypes.inferPlaced, id, encodePlace(entry.place)));
    else this.#write(encodeFrame(unsent.type, id, unsent.payload));
  }

  #write(parts: readonly Uint8Array[]): void {
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
  }

  /** What was sent already keeps its place until the child has said that it skipped it, or ran it all the same. */
  #withdraw(entry: Outstanding): void {
    if (entry.beganAt !== undefined) return;
    if (entry.unsent) this.#outstanding.splice(this.#outstanding.indexOf(entry), 1);
    else this.#write(encodeFrame(frameTypes.skip, entry.id, new Uint8Array()));
    entry.settle({ kind: 'withdrawn' });
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#answer(frame);
    } catch {
      this.kill('sent what is not a frame');
    }
  }

  #answer(frame: Frame): void {
    const [first] = this.#outstanding;
    if (first?.beganAt === undefined || frame.id !== first.id) throw new Error('an answer without its call');
    clearTimeout(this.#timer);
    this.#outstanding.shift();
    if (first.place) this.#area?.release(first.place);
    first.settle({ kind: 'answered', frame, beganAt: first.beganAt });
    const [next] = this.#outstanding;
    if (next) this.#begin(next);
    this.#sendAhead();
  }

  #end(why: string): void {
    clearTimeout(this.#timer);
    for (const entry of this.#outstanding.splice(0))
      entry.settle(entry.beganAt === undefined ? { kind: 'notBegun' } : { kind: 'ended', why });
  }
}
