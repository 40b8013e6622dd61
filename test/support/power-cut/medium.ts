// What a cut leaves of what a disk was told. Strict as POSIX, not as kind as ext4: a file's own sync does not keep its name.
import { createHash } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Operation } from './operations.ts';

/**
 * `killed`: the process alone ended, the kernel kept everything (kill -9).
 * `lost`: of the power cut, only what was synced is there: names by their directory, content by its file.
 * `torn`: the names are there, of content that was not synced the first half, and zeros after it.
 * `namesLost`: content is there, names that were not synced are as they were.
 */
export const cuts = ['killed', 'lost', 'torn', 'namesLost'] as const;
export type Cut = (typeof cuts)[number];

/** Directories are `undefined`. */
export type Tree = ReadonlyMap<string, { content: Buffer; mode: number } | undefined>;

interface Inode {
  now: Buffer;
  synced: Buffer;
  mode: number;
}

export class Medium {
  #names = new Map<string, Inode | undefined>();
  readonly #synced = new Map<string, Inode | undefined>();

  apply(operation: Operation): void {
    switch (operation.kind) {
      case 'look':
        return;
      case 'mkdir':
        for (const directory of operation.directories) this.#names.set(directory, undefined);
        return;
      case 'create': {
        const known = this.#names.get(operation.file);
        if (known) known.now = Buffer.alloc(0);
        else this.#names.set(operation.file, { now: Buffer.alloc(0), synced: Buffer.alloc(0), mode: operation.mode });
        return;
      }
      case 'write':
        this.#write(operation.file, operation.offset, operation.bytes);
        return;
      case 'truncate': {
        const inode = this.#inode(operation.file);
        const shorter = Buffer.alloc(operation.bytes);
        inode.now.copy(shorter);
        inode.now = shorter;
        return;
      }
      case 'sync': {
        const inode = this.#inode(operation.file);
        inode.synced = inode.now;
        return;
      }
      case 'syncDirectory':
        this.#syncNames(operation.directory);
        return;
      case 'rename': {
        const inode = this.#inode(operation.from);
        this.#names.delete(operation.from);
        this.#names.set(operation.to, inode);
        return;
      }
      case 'link':
        this.#names.set(operation.name, this.#inode(operation.existing));
        return;
      case 'remove':
        for (const name of this.#names.keys())
          if (name === operation.file || name.startsWith(operation.file + path.sep)) this.#names.delete(name);
    }
  }

  after(cut: Cut): Tree {
    const names = cut === 'killed' || cut === 'torn' ? this.#names : this.#synced;
    const tree = new Map<string, { content: Buffer; mode: number } | undefined>();
    for (const [name, inode] of [...names].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const parent = path.dirname(name);
      if (parent !== '.' && !tree.has(parent)) continue; // in a directory that is not there
      tree.set(name, inode && { content: contentAfter(inode, cut), mode: inode.mode });
    }
    return tree;
  }

  #write(file: string, offset: number, bytes: Uint8Array): void {
    const inode = this.#inode(file);
    const content = Buffer.alloc(Math.max(inode.now.length, offset + bytes.length));
    inode.now.copy(content);
    content.set(bytes, offset);
    inode.now = content;
  }

  #syncNames(directory: string): void {
    const isIn = (name: string) => path.dirname(name) === (directory === '' ? '.' : directory);
    for (const name of this.#synced.keys()) if (isIn(name) && !this.#names.has(name)) this.#synced.delete(name);
    for (const [name, inode] of this.#names) if (isIn(name)) this.#synced.set(name, inode);
  }

  #inode(file: string): Inode {
    const inode = this.#names.get(file);
    if (!inode) throw new Error(`the record speaks of ${file}, which is not there`);
    return inode;
  }
}

function contentAfter({ now, synced }: Inode, cut: Cut): Buffer {
  if (cut === 'killed' || cut === 'namesLost' || now === synced) return now;
  if (cut === 'lost') return synced;
  const known = tornOf.get(now);
  if (known) return known;
  const torn = Buffer.alloc(now.length);
  now.copy(torn, 0, 0, Math.floor(now.length / 2));
  tornOf.set(now, torn);
  return torn;
}

/** Contents are never changed in place, so what follows from one is worked out once. */
const tornOf = new WeakMap<Buffer, Buffer>();
const digestOf = new WeakMap<Buffer, string>();

export function sha256Of(content: Buffer): string {
  const known = digestOf.get(content) ?? createHash('sha256').update(content).digest('hex');
  digestOf.set(content, known);
  return known;
}

/** The same for trees with the same names and content. */
export function fingerprint(tree: Tree): string {
  const hash = createHash('sha256');
  for (const [name, file] of tree) hash.update(`${name}\0${file ? sha256Of(file.content) : 'directory'}\0`);
  return hash.digest('hex');
}

export async function writeTree(tree: Tree, root: string): Promise<void> {
  for (const [name, file] of tree) {
    const target = path.join(root, name);
    if (!file) await mkdir(target, { recursive: true, mode: 0o700 });
    else {
      await writeFile(target, file.content);
      await chmod(target, file.mode);
    }
  }
}
