import type { Readable } from 'node:stream';

/** Kept in memory until it is written; above this the source has to wait. */
const maximumWaitingBytes = 1024 * 1024;

/**
 * What comes from a body, to the last byte that came before it broke: a stream that is read at its reader's pace forgets, when it
 * breaks, what it holds for that reader, and those bytes would be fetched again. Listens from now on, not from the first read.
 */
export class ArrivingBytes {
  readonly #body: Readable;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #end: { error?: Error } | undefined;
  #news = Promise.withResolvers<void>();

  constructor(body: Readable) {
    this.#body = body;
    const finish = (error?: Error) => {
      this.#end ??= error === undefined ? {} : { error };
      this.#news.resolve();
    };
    body.on('data', (chunk: Buffer) => {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
      if (this.#waitingBytes > maximumWaitingBytes) body.pause();
      this.#news.resolve();
    });
    body.on('end', () => finish());
    body.on('error', finish);
    body.on('close', () => finish(new Error('the connection ended')));
  }

  /** @throws the error of the body, after all that came before it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk) {
        this.#waitingBytes -= chunk.length;
        if (this.#waitingBytes <= maximumWaitingBytes) this.#body.resume();
        yield chunk;
      } else if (this.#end) {
        if (this.#end.error) throw this.#end.error;
        return;
      } else {
        await this.#news.promise;
        this.#news = Promise.withResolvers();
      }
    }
  }

  /** Nothing more of it is wanted. */
  abandon(): void {
    this.#body.destroy();
  }
}
