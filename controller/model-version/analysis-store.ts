// What reading each graph yielded, on disk by content: a restart analyses nothing again.
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { GraphAnalysis } from '../../energy/graph/analysis.ts';
import { digestHex } from '../artifacts/digest.ts';
import { contentHash } from '../content-hash.ts';

/** What decides an analysis: the graph's bytes, the files beside it, and the sizes given to its symbolic dimensions. */
export interface AnalysisSubject {
  digest: string;
  externalData?: readonly { path: string; digest: string }[];
  dimensions?: readonly { name: string; size: number }[];
}

export type AnalysisResult =
  | { kind: 'analyzed'; analysis: GraphAnalysis }
  | { kind: 'unsupported'; reason: string; message: string };

interface Entry {
  key: string;
  extractorVersion: number;
  result: AnalysisResult;
}

/** Beyond so many, those of graphs that no ModelVersion names any more are forgotten: versions come and go for years. */
const maximumKept = 2000;

export interface AnalysisRetention {
  /** Digests of graphs that some object still names: what is known of them stays. */
  referenced: () => ReadonlySet<string>;
  maximum?: number;
}

export class AnalysisStore {
  readonly #directory: string;
  readonly #extractorVersion: number;
  readonly #retention: AnalysisRetention | undefined;
  /** Oldest first. */
  readonly #results = new Map<string, AnalysisResult>();
  readonly #writing = new Map<string, Promise<AnalysisResult>>();

  private constructor(directory: string, extractorVersion: number, retention: AnalysisRetention | undefined) {
    this.#directory = directory;
    this.#extractorVersion = extractorVersion;
    this.#retention = retention;
  }

  /**
   * Reads every entry of this extractor version; others, and damaged ones, are removed.
   * @param retention without it everything is kept
   */
  static async open(directory: string, extractorVersion: number, retention?: AnalysisRetention): Promise<AnalysisStore> {
    const store = new AnalysisStore(directory, extractorVersion, retention);
    await mkdir(directory, { recursive: true });
    for (const name of await readdir(directory)) {
      const file = path.join(directory, name);
      const entry = parseEntry(await readFile(file, 'utf8'));
      if (entry?.extractorVersion === extractorVersion) store.#results.set(entry.key, entry.result);
      else await rm(file, { force: true });
    }
    return store;
  }

  get(subject: AnalysisSubject): AnalysisResult | undefined {
    return this.#results.get(keyOfSubject(subject));
  }

  /** The analysis, or undefined when the graph was not read or is not supported. */
  analysisOf(subject: AnalysisSubject): GraphAnalysis | undefined {
    const result = this.get(subject);
    return result?.kind === 'analyzed' ? result.analysis : undefined;
  }

  /**
   * Answers what is kept: the first result of a subject. Two versions of the same bytes may be read at the same time, and a
   * second reading measures other memory; each restart would then write a status that differs from the one before.
   */
  async put(subject: AnalysisSubject, result: AnalysisResult): Promise<AnalysisResult> {
    const key = keyOfSubject(subject);
    const known = this.#results.get(key) ?? this.#writing.get(key);
    if (known) return known;
    const writing = this.#write(key, result);
    this.#writing.set(key, writing);
    try {
      return await writing;
    } finally {
      this.#writing.delete(key);
    }
  }

  async #write(key: string, result: AnalysisResult): Promise<AnalysisResult> {
    const entry: Entry = { key, extractorVersion: this.#extractorVersion, result };
    await writeAtomically(this.#fileOf(key), JSON.stringify(entry));
    this.#results.set(key, result);
    await this.#forgetOldest(key);
    return result;
  }

  async #forgetOldest(newest: string): Promise<void> {
    if (!this.#retention) return;
    const { referenced, maximum = maximumKept } = this.#retention;
    let excess = this.#results.size - maximum;
    if (excess <= 0) return;
    const keep = referenced();
    for (const key of this.#results.keys()) {
      if (excess <= 0) return;
      if (key === newest || keep.has(`sha256:${key.slice(0, 64)}`)) continue;
      this.#results.delete(key);
      await rm(this.#fileOf(key), { force: true });
      excess -= 1;
    }
  }

  #fileOf(key: string): string {
    return path.join(this.#directory, `${key}.json`);
  }
}

function keyOfSubject(subject: AnalysisSubject): string {
  const beside = [...(subject.externalData ?? [])].map(({ path: at, digest }) => ({ path: at, digest }));
  const sizes = [...(subject.dimensions ?? [])].map(({ name, size }) => ({ name, size }));
  const suffix = beside.length + sizes.length === 0 ? '' : `-${contentHash({ beside, sizes }, 16)}`;
  return digestHex(subject.digest) + suffix;
}

function parseEntry(text: string): Entry | undefined {
  try {
    const entry = JSON.parse(text) as Partial<Entry>;
    return typeof entry.key === 'string' && typeof entry.extractorVersion === 'number' && entry.result
      ? (entry as Entry)
      : undefined;
  } catch {
    return undefined; // written by hand or cut: it is made again
  }
}

async function writeAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  {
    await using handle = await open(temporary, 'w');
    await handle.writeFile(text);
    await handle.sync();
  }
  await rename(temporary, file);
  await using directory = await open(path.dirname(file), 'r');
  await directory.sync();
}
