// Predictors in memory, by class. Each file is checked against the digest that its class names.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DeviceClass, PredictorReference } from '../../crds/device-class.ts';
import { digestOf } from '../../crds/digest.ts';
import { type Predictor, parsePredictor } from '../../energy/prediction/predictor.ts';
import { toError } from '../../kube/api/api-error.ts';
import { type ArtifactOrigin, openSource } from '../artifacts/source.ts';
import type { ArtifactStore } from '../artifacts/store.ts';
import { shippedScheme } from './shipped.ts';

export interface LibraryDeps {
  predictorDirectory: string;
  artifacts: ArtifactStore;
  origins: readonly ArtifactOrigin[];
}

export type Loaded = { reference: PredictorReference; failure?: string };

const maximumPredictorBytes = 16 * 2 ** 20;

export class PredictorLibrary {
  readonly #deps: LibraryDeps;
  readonly #byDigest = new Map<string, Predictor>();
  readonly #byClass = new Map<string, readonly Predictor[]>();

  constructor(deps: LibraryDeps) {
    this.#deps = deps;
  }

  /** Loaded predictors of a class itself. */
  of(className: string): readonly Predictor[] {
    return this.#byClass.get(className) ?? [];
  }

  forget(className: string): void {
    this.#byClass.delete(className);
    this.#prune();
  }

  /** What no class has any more would otherwise stay for ever: every edit of a digest brings another one. */
  #prune(): void {
    const used = new Set([...this.#byClass.values()].flat());
    for (const [digest, predictor] of this.#byDigest) if (!used.has(predictor)) this.#byDigest.delete(digest);
  }

  /** How many are in memory. */
  get size(): number {
    return this.#byDigest.size;
  }

  /** Loads what a class refers to. @returns per reference whether it could be read, and whether the class's set changed. */
  async load(deviceClass: DeviceClass, signal: AbortSignal): Promise<{ loaded: Loaded[]; changed: boolean }> {
    const loaded: Loaded[] = [];
    const predictors: Predictor[] = [];
    for (const reference of deviceClass.spec.predictors ?? []) {
      try {
        predictors.push(await this.#predictor(reference, signal));
        loaded.push({ reference });
      } catch (error) {
        signal.throwIfAborted();
        loaded.push({ reference, failure: toError(error).message });
      }
    }
    const { name } = deviceClass.metadata;
    const before = this.of(name);
    const changed = before.length !== predictors.length || predictors.some((predictor, index) => predictor !== before[index]);
    if (changed) {
      this.#byClass.set(name, predictors);
      this.#prune();
    }
    return { loaded, changed };
  }

  async #predictor(reference: PredictorReference, signal: AbortSignal): Promise<Predictor> {
    const predictor = this.#byDigest.get(reference.digest) ?? (await this.#read(reference, signal));
    // Also of one that is in memory: another class may have named the same file rightly.
    if (predictor.card.boundary !== reference.boundary)
      throw new Error(
        `${reference.name} predicts at ${predictor.card.boundary}, the class declares ${reference.boundary}: correct the boundary`,
      );
    this.#byDigest.set(reference.digest, predictor);
    return predictor;
  }

  async #read(reference: PredictorReference, signal: AbortSignal): Promise<Predictor> {
    const bytes = await this.#bytes(reference, signal);
    const actual = digestOf(bytes);
    if (actual !== reference.digest)
      throw new Error(
        `${reference.source} has digest ${actual}, the class declares ${reference.digest}: correct the digest, or delete a shipped class to have it made again when the controller starts`,
      );
    return parsePredictor(bytes.toString('utf8'));
  }

  async #bytes(reference: PredictorReference, signal: AbortSignal): Promise<Buffer> {
    const { predictorDirectory, artifacts, origins } = this.#deps;
    if (reference.source.startsWith(shippedScheme)) {
      // The base name only: a class must not name files elsewhere on this machine.
      const file = path.basename(reference.source.slice(shippedScheme.length));
      return await readFile(path.join(predictorDirectory, file));
    }
    const { digest, source } = reference;
    const request = { uri: source, digest, maximumBytes: maximumPredictorBytes, signal };
    await artifacts.put(digest, { maximumBytes: maximumPredictorBytes }, () => openSource(origins, request));
    return await readFile(artifacts.path(digest));
  }
}
