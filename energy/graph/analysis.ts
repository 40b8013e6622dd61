// What reading a model's graph yields: the facts that predictions and limits are made from.

export interface TensorInfo {
  name: string;
  /** Open Inference Protocol datatype: FP32, INT64, BYTES… */
  datatype: string;
  /** -1 for a dynamic dimension. */
  shape: number[];
}

/** Per node class sums; the columns are those of energy.md, "Features". */
export const nodeClasses = [
  'conv1x1',
  'conv3x3',
  'convOther',
  'depthwise',
  'depthwiseLarge',
  'grouped',
  'gemm',
  'matmul',
  'activation',
  'elementwise',
  'normalization',
  'reduction',
  'pool',
  'softmax',
  'resize',
  'layout',
  'noop',
] as const;
export type NodeClass = (typeof nodeClasses)[number];

export interface ClassTotals {
  nodes: number;
  macs: number;
  /** Activation bytes in and out. */
  bytes: number;
  weightBytes: number;
  outputElements: number;
}

export interface GraphFeatures {
  classes: Record<NodeClass, ClassTotals>;
  macs: number;
  bytes: number;
  parameters: number;
  peakActivationBytes: number;
  initializerBytes: number;
  nodes: number;
  depth: number;
  largestActivationBytes: number;
  transcendentalBytes: number;
  transcendentalNodes: number;
  fusedActivations: number;
  smallNodes: number;
  /** Σ max(MACs / b, bytes) for b = 2, 8, 32. */
  roofline: { b2: number; b8: number; b32: number };
  /** Σ MACs × max(1, 1024 T / outputs) for T = 8, 32, 128. */
  occupancy: { t8: number; t32: number; t128: number };
  /** MAC-weighted log2 of output channels, positions, reduction length. */
  weightedLog: { channels: number; positions: number; reduction: number };
  /** Outputs of convolutions and products with weights. */
  macOutputs: number;
}

/** One node after fusion, and what it costs. */
export interface LayerCost {
  name: string;
  operator: string;
  nodeClass: NodeClass;
  macs: number;
  /** Activation bytes in and out. */
  bytes: number;
  weightBytes: number;
}

export interface GraphAnalysis {
  /** Changes when extraction changes: an analysis of another version is made again. */
  extractorVersion: number;
  runtimeVersion: string;
  /** `static` when the graph was too large to run: shapes were inferred, nothing was fused. */
  path: 'profiled' | 'static';
  opset: number;
  inputs: TensorInfo[];
  outputs: TensorInfo[];
  /** fp32, fp16, int8, mixed */
  precision: string;
  operators: { type: string; count: number }[];
  features: GraphFeatures;
  /** Resident bytes that the child process grew by while it loaded and ran the model. Absent on the static path. */
  residentBytes?: number;
  /** Nodes in execution order, those that cost nothing left out. Only when asked for. */
  layers?: LayerCost[];
}

export interface AnalysisLimits {
  seconds: number;
  memoryBytes: number;
  maximumNodes: number;
  /** What constant folding would write into memory (ConstantOfShape and the like). Default 1 GiB. */
  materializedBytes: number;
  fileBytes: number;
}
