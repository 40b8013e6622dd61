// The rare messages between the agent and a model's process, as JSON in frames. Inference itself is binary (tensor-frame.ts).
import type { TensorDescription } from '../datatypes.ts';

export interface HelloMessage {
  runtimeVersion: string;
  /** Private writable memory of the process with the runtime in it and no model. */
  dataBytes: number;
  /** Execution providers that this build of the runtime has. */
  executionProviders: string[];
}

export interface LoadMessage {
  file: string;
  threads: number;
  executionProviders: string[];
}

export interface LoadedMessage {
  inputs: TensorDescription[];
  outputs: TensorDescription[];
  loadMilliseconds: number;
}

export interface FailureMessage {
  /** `invalid` when the request's tensors do not fit the model. */
  kind: 'invalid' | 'failed' | 'unsupported' | 'memory';
  message: string;
}
