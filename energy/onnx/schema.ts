// Field numbers of onnx.proto, in ascending order. `packed` where the reference writes packed; both forms are read.
import type {
  AttributeProto,
  DimensionProto,
  FunctionProto,
  GraphProto,
  Message,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  SparseTensorProto,
  StringStringEntryProto,
  TensorAnnotation,
  TensorProto,
  TensorShapeProto,
  TensorTypeProto,
  TypeProto,
  ValueInfoProto,
} from './messages.ts';
import type { Schema } from './wire-format.ts';

const string = { kind: 'string' } as const;
const bytes = { kind: 'bytes' } as const;
const size = { kind: 'size' } as const;
const int32 = { kind: 'int32' } as const;
const int64 = { kind: 'int64' } as const;
const repeated = { repeated: true } as const;
const packed = { repeated: true, packed: true } as const;
const message = <T extends Message>(schema: () => Schema<T>) => ({ kind: 'message', schema }) as const;

const operatorSetId: Schema<OperatorSetIdProto> = { domain: { number: 1, ...string }, version: { number: 2, ...size } };

const stringStringEntry: Schema<StringStringEntryProto> = { key: { number: 1, ...string }, value: { number: 2, ...string } };

const entries = { ...message(() => stringStringEntry), ...repeated } as const;

const tensor: Schema<TensorProto> = {
  dims: { number: 1, ...size, ...repeated },
  dataType: { number: 2, ...int32 },
  segment: { number: 3, ...message(() => ({ begin: { number: 1, ...int64 }, end: { number: 2, ...int64 } })) },
  floatData: { number: 4, kind: 'float', ...packed },
  int32Data: { number: 5, ...int32, ...packed },
  stringData: { number: 6, ...bytes, ...repeated },
  int64Data: { number: 7, ...int64, ...packed },
  name: { number: 8, ...string },
  rawData: { number: 9, ...bytes },
  doubleData: { number: 10, kind: 'double', ...packed },
  uint64Data: { number: 11, kind: 'uint64', ...packed },
  docString: { number: 12, ...string },
  externalData: { number: 13, ...entries },
  dataLocation: { number: 14, ...int32 },
  metadataProps: { number: 16, ...entries },
};

const sparseTensor: Schema<SparseTensorProto> = {
  values: { number: 1, ...message(() => tensor) },
  indices: { number: 2, ...message(() => tensor) },
  dims: { number: 3, ...size, ...repeated },
};

const dimension: Schema<DimensionProto> = {
  dimValue: { number: 1, ...size },
  dimParam: { number: 2, ...string },
  denotation: { number: 3, ...string },
};

const tensorShape: Schema<TensorShapeProto> = { dim: { number: 1, ...message(() => dimension), ...repeated } };

const tensorType: Schema<TensorTypeProto> = {
  elemType: { number: 1, ...int32 },
  shape: { number: 2, ...message(() => tensorShape) },
};

const type: Schema<TypeProto> = {
  tensorType: { number: 1, ...message(() => tensorType) },
  sequenceType: { number: 4, ...message(() => ({ elemType: { number: 1, ...message(() => type) } })) },
  mapType: {
    number: 5,
    ...message(() => ({ keyType: { number: 1, ...int32 }, valueType: { number: 2, ...message(() => type) } })),
  },
  denotation: { number: 6, ...string },
  sparseTensorType: { number: 8, ...message(() => tensorType) },
  optionalType: { number: 9, ...message(() => ({ elemType: { number: 1, ...message(() => type) } })) },
};

const valueInfo: Schema<ValueInfoProto> = {
  name: { number: 1, ...string },
  type: { number: 2, ...message(() => type) },
  docString: { number: 3, ...string },
  metadataProps: { number: 4, ...entries },
};

const attribute: Schema<AttributeProto> = {
  name: { number: 1, ...string },
  f: { number: 2, kind: 'float' },
  i: { number: 3, ...int64 },
  s: { number: 4, ...bytes },
  t: { number: 5, ...message(() => tensor) },
  g: { number: 6, ...message(() => graph) },
  floats: { number: 7, kind: 'float', ...repeated },
  ints: { number: 8, ...int64, ...repeated },
  strings: { number: 9, ...bytes, ...repeated },
  tensors: { number: 10, ...message(() => tensor), ...repeated },
  graphs: { number: 11, ...message(() => graph), ...repeated },
  docString: { number: 13, ...string },
  tp: { number: 14, ...message(() => type) },
  typeProtos: { number: 15, ...message(() => type), ...repeated },
  type: { number: 20, ...int32 },
  refAttrName: { number: 21, ...string },
  sparseTensor: { number: 22, ...message(() => sparseTensor) },
  sparseTensors: { number: 23, ...message(() => sparseTensor), ...repeated },
};

const node: Schema<NodeProto> = {
  input: { number: 1, ...string, ...repeated },
  output: { number: 2, ...string, ...repeated },
  name: { number: 3, ...string },
  opType: { number: 4, ...string },
  attribute: { number: 5, ...message(() => attribute), ...repeated },
  docString: { number: 6, ...string },
  domain: { number: 7, ...string },
  overload: { number: 8, ...string },
  metadataProps: { number: 9, ...entries },
};

const tensorAnnotation: Schema<TensorAnnotation> = {
  tensorName: { number: 1, ...string },
  quantParameterTensorNames: { number: 2, ...entries },
};

const graph: Schema<GraphProto> = {
  node: { number: 1, ...message(() => node), ...repeated },
  name: { number: 2, ...string },
  initializer: { number: 5, ...message(() => tensor), ...repeated },
  docString: { number: 10, ...string },
  input: { number: 11, ...message(() => valueInfo), ...repeated },
  output: { number: 12, ...message(() => valueInfo), ...repeated },
  valueInfo: { number: 13, ...message(() => valueInfo), ...repeated },
  quantizationAnnotation: { number: 14, ...message(() => tensorAnnotation), ...repeated },
  sparseInitializer: { number: 15, ...message(() => sparseTensor), ...repeated },
  metadataProps: { number: 16, ...entries },
};

const functionSchema: Schema<FunctionProto> = {
  name: { number: 1, ...string },
  input: { number: 4, ...string, ...repeated },
  output: { number: 5, ...string, ...repeated },
  attribute: { number: 6, ...string, ...repeated },
  node: { number: 7, ...message(() => node), ...repeated },
  docString: { number: 8, ...string },
  opsetImport: { number: 9, ...message(() => operatorSetId), ...repeated },
  domain: { number: 10, ...string },
  attributeProto: { number: 11, ...message(() => attribute), ...repeated },
  valueInfo: { number: 12, ...message(() => valueInfo), ...repeated },
  overload: { number: 13, ...string },
  metadataProps: { number: 14, ...entries },
};

export const modelSchema: Schema<ModelProto> = {
  irVersion: { number: 1, ...size },
  producerName: { number: 2, ...string },
  producerVersion: { number: 3, ...string },
  domain: { number: 4, ...string },
  modelVersion: { number: 5, ...int64 },
  docString: { number: 6, ...string },
  graph: { number: 7, ...message(() => graph) },
  opsetImport: { number: 8, ...message(() => operatorSetId), ...repeated },
  metadataProps: { number: 14, ...entries },
  functions: { number: 25, ...message(() => functionSchema), ...repeated },
};
