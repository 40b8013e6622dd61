// A source of artifacts that misbehaves as told: it cuts, stalls, corrupts, slows, refuses, and lies about length and range.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { artifactPath } from '../../../crds/join.ts';

export type SourceFault =
  /** The connection breaks after half of what was asked for. */
  | 'cut'
  /** Half comes, then nothing more, and the connection stays open. */
  | 'stall'
  /** All of it, in small pieces. */
  | 'slow'
  /** 503. */
  | 'error'
  /** One bit is wrong. */
  | 'corrupt'
  /** More is announced than comes. */
  | 'announcesMore'
  /** Less is announced than there is, and only that much comes. */
  | 'announcesLess'
  /** Everything from the start, whatever was asked for. */
  | 'ignoresRange'
  /** A part that was not asked for. */
  | 'otherRange'
  /** No length at all. */
  | 'noLength'
  /** Many times of what was declared. */
  | 'huge';

interface Artifact {
  content: Buffer;
  /** One for each answer to come; after the last one all is well, unless they go on for ever. */
  faults: SourceFault[];
  always?: SourceFault;
  sentBytes: number;
  answers: number;
}

const lieBytes = 1000;
const slowPieces = 20;

export class FaultySource implements AsyncDisposable {
  readonly #artifacts = new Map<string, Artifact>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const artifact = this.#artifacts.get(request.url ?? '');
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (artifact) answer(artifact, from, response);
      else response.writeHead(404).end();
    });
  }

  static async start(): Promise<FaultySource> {
    const source = new FaultySource();
    await new Promise<void>((resolve) => source.#server.listen(0, '127.0.0.1', resolve));
    return source;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @returns what it counts. */
  offer(digest: string, content: Buffer, faults: readonly SourceFault[] = [], always?: SourceFault): Readonly<Artifact> {
    const artifact: Artifact = {
      content,
      faults: [...faults],
      sentBytes: 0,
      answers: 0,
      ...(always === undefined ? {} : { always }),
    };
    this.#artifacts.set(artifactPath(digest), artifact);
    return artifact;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function answer(artifact: Artifact, asked: number, response: ServerResponse): void {
  const { content } = artifact;
  const fault = artifact.faults.shift() ?? artifact.always;
  artifact.answers++;
  const send = (bytes: Uint8Array, then: () => void) => {
    artifact.sentBytes += bytes.length;
    response.write(bytes, () => setImmediate(then));
  };
  if (fault === 'error') {
    response.writeHead(503).end('later');
    return;
  }
  if (asked >= content.length && fault !== 'announcesMore') {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const from = fault === 'ignoresRange' ? 0 : asked;
  let body = fault === 'huge' ? Buffer.alloc(content.length * 5 + 3_000_000) : content.subarray(from);
  if (fault === 'corrupt') body = Buffer.concat([body.subarray(0, -1), Buffer.from([(body.at(-1) ?? 0) ^ 1])]);
  if (fault === 'announcesLess') body = body.subarray(0, Math.floor(body.length * 0.9));
  const announced = fault === 'announcesMore' ? body.length + lieBytes : body.length;
  const first = fault === 'otherRange' ? from + 1 : from;
  const isPart = from > 0 || fault === 'otherRange';
  const range = { 'content-range': `bytes ${first}-${first + announced - 1}/${from + announced}` };
  const length = fault === 'noLength' ? {} : { 'content-length': announced };
  response.writeHead(isPart ? 206 : 200, { ...length, ...(isPart ? range : {}) });
  response.on('error', () => undefined); // clients leave
  const half = body.subarray(0, Math.ceil(body.length / 2));
  // Ended, not reset: a reset would take away what is on its way, which is not the receiver's to keep.
  const hangUp = () => response.socket?.end();
  if (fault === 'cut') send(half, hangUp);
  else if (fault === 'stall') send(half, () => undefined);
  else if (fault === 'announcesMore') send(body, hangUp);
  else if (fault === 'slow') {
    const piece = Math.ceil(body.length / slowPieces);
    const next = (at: number) => {
      if (at >= body.length) response.end();
      else send(body.subarray(at, at + piece), () => next(at + piece));
    };
    next(0);
  } else send(body, () => response.end());
}
