// Keys that wait for a time: a binary heap by due time, one entry that counts per key, the earliest.

interface Entry {
  key: string;
  dueAt: number;
}

export class DelayedKeys {
  readonly #heap: Entry[] = [];
  readonly #dueAt = new Map<string, number>();

  get size(): number {
    return this.#dueAt.size;
  }

  /** True when this key's time is now the earliest of all: whoever waits must wait shorter. */
  put(key: string, dueAt: number): boolean {
    const known = this.#dueAt.get(key);
    if (known !== undefined && known <= dueAt) return false;
    this.#dueAt.set(key, dueAt);
    this.#push({ key, dueAt }); // an older, later entry of this key stays in the heap and is skipped when it surfaces
    return this.#heap[0]?.key === key;
  }

  /** When the next key is due, or undefined. */
  nextAt(): number | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#dueAt.get(top.key) === top.dueAt) return top.dueAt;
      this.#pop();
    }
    return undefined;
  }

  /** Takes the next key if it is due. */
  takeDue(now: number): string | undefined {
    const dueAt = this.nextAt();
    if (dueAt === undefined || dueAt > now) return undefined;
    const entry = this.#pop();
    if (entry === undefined) return undefined;
    this.#dueAt.delete(entry.key);
    return entry.key;
  }

  clear(): void {
    this.#heap.length = 0;
    this.#dueAt.clear();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (dueAtOf(heap, parent) <= entry.dueAt) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    heap[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const child = dueAtOf(heap, left + 1) < dueAtOf(heap, left) ? left + 1 : left;
      if (dueAtOf(heap, child) >= last.dueAt) return top;
      this.#swap(at, child);
      at = child;
    }
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
  }
}

function dueAtOf(heap: readonly Entry[], at: number): number {
  return heap[at]?.dueAt ?? Number.POSITIVE_INFINITY;
}
