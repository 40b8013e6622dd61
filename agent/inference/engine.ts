// What runs models, behind one interface: a process of ours with ONNX Runtime, or a local server that speaks the same protocol.
import type { Tensor, TensorDescription } from './datatypes.ts';

export interface ModelSource {
  /** `namespace/name@revision`, for messages. */
  name: string;
  file: string;
  /** Of the file. */
  digest: string;
  /** Paths of external data, relative to the file. */
  beside?: readonly string[];
  /** The ModelVersion, and the version that it declares: what servers that keep models by name know them by. */
  modelName: string;
  modelVersion: string;
  threads: number;
  executionProviders: readonly string[];
  memoryBytes?: number;
  /** The name that an upstream server knows the model by. */
  upstreamName?: string;
}

export interface InferenceRequest {
  inputs: readonly Tensor[];
  /** Empty: all. */
  outputs: readonly string[];
  /** Monotonic milliseconds after which the answer is of no use. */
  deadline?: number;
  signal?: AbortSignal;
}

export interface InferenceResult {
  outputs: Tensor[];
  queueMicroseconds: number;
  /** To what runs the model and back, packing included. */
  transferMicroseconds: number;
  modelMicroseconds: number;
}

export interface EngineModel {
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  /** As the protocol's metadata name it: project and format. */
  readonly platform: string;
  readonly executionProviders: readonly string[];
  readonly runtimeVersion: string;
  readonly loadMilliseconds: number;
  readonly ready: boolean;
  readonly queueLength: number;
  /** How often the model had to be started again since it was loaded, and why the last time. */
  readonly restarts: { count: number; reason?: string };
  /** Resident bytes now, undefined where the system does not say. */
  residentBytes(): Promise<number | undefined>;
  /** @throws InferenceError */
  infer(request: InferenceRequest): Promise<InferenceResult>;
  close(): Promise<void>;
}

export interface Engine {
  readonly kind: 'OnnxRuntime' | 'OpenInferenceUpstream';
  /** @throws ModelLoadError */
  load(source: ModelSource, signal: AbortSignal): Promise<EngineModel>;
}
