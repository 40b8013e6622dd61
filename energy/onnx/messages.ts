// The messages of an ONNX file (onnx.proto, IR version 3 and later), as far as models on devices use them.
// Absent optional fields are undefined; 64-bit values that can exceed 2^53 are bigint, sizes and versions are numbers.

export interface Message {
  /** Fields that this project does not read, kept as they came so that writing a file back loses nothing. */
  unknownFields?: Uint8Array[];
}

export interface ModelProto extends Message {
  irVersion?: number;
  opsetImport: OperatorSetIdProto[];
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: bigint;
  docString?: string;
  graph?: GraphProto;
  metadataProps: StringStringEntryProto[];
  functions: FunctionProto[];
}

export interface OperatorSetIdProto extends Message {
  /** Empty or absent: the standard operators (ai.onnx). */
  domain?: string;
  version?: number;
}

export interface StringStringEntryProto extends Message {
  key?: string;
  value?: string;
}

export interface GraphProto extends Message {
  node: NodeProto[];
  name?: string;
  initializer: TensorProto[];
  sparseInitializer: SparseTensorProto[];
  docString?: string;
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  valueInfo: ValueInfoProto[];
  quantizationAnnotation: TensorAnnotation[];
  metadataProps: StringStringEntryProto[];
}

export interface NodeProto extends Message {
  /** An empty name is an optional input that is left out. */
  input: string[];
  output: string[];
  name?: string;
  opType?: string;
  domain?: string;
  overload?: string;
  attribute: AttributeProto[];
  docString?: string;
  metadataProps: StringStringEntryProto[];
}

export interface AttributeProto extends Message {
  name?: string;
  refAttrName?: string;
  docString?: string;
  /** One of attributeTypes; absent in files before IR version 2. */
  type?: number;
  f?: number;
  i?: bigint;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  sparseTensor?: SparseTensorProto;
  tp?: TypeProto;
  floats: number[];
  ints: bigint[];
  strings: Uint8Array[];
  tensors: TensorProto[];
  graphs: GraphProto[];
  sparseTensors: SparseTensorProto[];
  typeProtos: TypeProto[];
}

export interface TensorProto extends Message {
  dims: number[];
  /** One of the codes in tensor-types.ts. */
  dataType?: number;
  segment?: { begin?: bigint; end?: bigint } & Message;
  floatData: number[];
  /** Also holds int8, uint8, int16, uint16, bool and the bits of float16 and bfloat16. */
  int32Data: number[];
  stringData: Uint8Array[];
  int64Data: bigint[];
  name?: string;
  docString?: string;
  /** Little-endian elements in row-major order; a view into the bytes that were read. */
  rawData?: Uint8Array;
  /** Keys location, offset, length, checksum. */
  externalData: StringStringEntryProto[];
  /** 1: the elements are in another file. */
  dataLocation?: number;
  doubleData: number[];
  uint64Data: bigint[];
  metadataProps: StringStringEntryProto[];
}

export interface SparseTensorProto extends Message {
  values?: TensorProto;
  indices?: TensorProto;
  dims: number[];
}

export interface TensorAnnotation extends Message {
  tensorName?: string;
  quantParameterTensorNames: StringStringEntryProto[];
}

export interface ValueInfoProto extends Message {
  name?: string;
  type?: TypeProto;
  docString?: string;
  metadataProps: StringStringEntryProto[];
}

export interface TensorTypeProto extends Message {
  elemType?: number;
  /** Absent: even the number of dimensions is unknown. */
  shape?: TensorShapeProto;
}

export interface TensorShapeProto extends Message {
  dim: DimensionProto[];
}

/** A number, a symbol, or neither when nothing is known. */
export interface DimensionProto extends Message {
  dimValue?: number;
  dimParam?: string;
  denotation?: string;
}

export interface TypeProto extends Message {
  tensorType?: TensorTypeProto;
  sequenceType?: { elemType?: TypeProto } & Message;
  mapType?: { keyType?: number; valueType?: TypeProto } & Message;
  denotation?: string;
  sparseTensorType?: TensorTypeProto;
  optionalType?: { elemType?: TypeProto } & Message;
}

export interface FunctionProto extends Message {
  name?: string;
  input: string[];
  output: string[];
  attribute: string[];
  node: NodeProto[];
  docString?: string;
  opsetImport: OperatorSetIdProto[];
  domain?: string;
  attributeProto: AttributeProto[];
  valueInfo: ValueInfoProto[];
  overload?: string;
  metadataProps: StringStringEntryProto[];
}

export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  typeProto: 13,
  typeProtos: 14,
} as const;
