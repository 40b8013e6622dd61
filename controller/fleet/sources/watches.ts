import { watchDirectory } from './directory-source.ts';

/** One file watch per repository that reads a directory. */
export class DirectoryWatches {
  readonly #onChange: (key: string) => void;
  readonly #held = new Map<string, { directory: string; watch: { close(): Promise<void> } }>();

  constructor(onChange: (key: string) => void) {
    this.#onChange = onChange;
  }

  hold(key: string, directory: string): void {
    if (this.#held.get(key)?.directory === directory) return;
    this.release(key);
    this.#held.set(key, { directory, watch: watchDirectory(directory, () => this.#onChange(key)) });
  }

  release(key: string): void {
    const held = this.#held.get(key);
    this.#held.delete(key);
    held?.watch.close().catch(() => undefined); // it is forgotten either way
  }

  async close(): Promise<void> {
    const held = [...this.#held.values()];
    this.#held.clear();
    await Promise.allSettled(held.map(({ watch }) => watch.close()));
  }
}
