// Generated from crds/*.yaml by crds/generate.ts: change the YAML, then run `npm run generate`.

/** What a meter or a model covers. Values of different boundaries are never compared. */
export type Boundary = 'Board' | 'Module' | 'Package' | 'CoreRail';

/** How the model is run. */
export interface Runtime {
  /** What runs the model: ONNX Runtime in a process of its own, or a server on the device that speaks the Open Inference Protocol. Absent: OnnxRuntime. */
  engine?: 'OnnxRuntime' | 'OpenInferenceUpstream';
  /** Execution providers in order of preference, such as cpu. Absent: cpu. */
  executionProviders?: string[];
  /** Threads that one inference may use. Absent: 1. */
  threads?: number;
  /** The upstream's name in the device's own configuration, for engine OpenInferenceUpstream. */
  upstreamName?: string;
}

/** How applications reach the model. Absent: over HTTP. */
export interface Serving {
  /** Serve the Open Inference Protocol over HTTP. */
  http?: Record<string, never>;
  /** Serve requests from an MQTT broker. */
  mqtt?: {
    /** The broker's name in the device's own configuration, which holds its address and credentials. */
    brokerName: string;
    /** Topic filter of the requests. Absent: the standard topics. */
    requestTopic?: string;
    /** How CSV messages of the streaming route map to tensors. */
    csv?: CsvMapping;
  };
}

/** How CSV messages of the streaming route map to tensors. */
export interface CsvMapping {
  /** Columns of a request, in order. */
  requestColumns: string[];
  /** The model's input that the values go to. Absent: its only input. */
  inputName?: string;
  /** Columns of a recorded alarm, in order. */
  recordColumns?: string[];
}

/** How a predicted or measured interval compares with a budget. */
export type EnergyVerdict = 'WithinBudget' | 'ExceedsBudget' | 'Uncertain' | 'Unknown';

/** A central value and its interval, unit strings. */
export interface Interval {
  /** Central value. */
  value: string;
  /** Lower end of the interval. */
  lower: string;
  /** Upper end of the interval. */
  upper: string;
}

/** Active energy includes the share of the idle board while it serves; marginal energy is above idle. */
export type Quantity = 'Active' | 'Marginal';

/** Bytes by digest, and where to fetch them. */
export interface ArtifactReference {
  /** What the graph must hash to. sha256: and 64 hexadecimal digits. */
  digest: string;
  /** Length of the graph. A quantity such as 256Mi, or a number of bytes. */
  size?: string | number;
  /** Where the bytes can be fetched from, tried in order. May change: the digest alone says what the bytes are. */
  sources: ArtifactSource[];
}

/** Where bytes can be fetched from. */
export interface ArtifactSource {
  /** Where: store://<path in the model store>, https://…, oci://…, s3://… or hf://<owner>/<repository>@<40-digit commit>/<path>. */
  uri: string;
  /** Secret in the same namespace with the credentials for this source. Only the controller reads it. */
  secretName?: string;
}

/** One file beside the graph. */
export interface ExternalDataFile extends ArtifactReference {
  /** Path as the graph names it, relative to the graph's own folder. */
  path: string;
}

/** What a predictor was trained for, or what a device runs. */
export interface ClassKeyParts {
  /** Board, as the predictors name it. */
  board?: string;
  /** Power mode, such as 15W or MAXN. */
  powerMode?: string;
  /** Processor frequency governor. */
  governor?: string;
  /** Inference runtime, such as onnxruntime. */
  runtime?: string;
  /** Its major and minor version. */
  runtimeVersion?: string;
  /** Execution provider, such as cpu. */
  executionProvider?: string;
  /** Threads of one inference. */
  threads?: number;
  /** Whether idle runtime threads spin. */
  spinning?: boolean;
  /** Arithmetic of the weights, such as fp32. */
  precision?: string;
}
