// The messages of inference.GRPCInferenceService, field by field as the Open Inference Protocol numbers them, and of two calls that
// clients make beside it: Triton's repository index and gRPC's own health check.
import protobuf from 'protobufjs/light.js';

type Field = protobuf.IField | protobuf.IMapField;

const field = (id: number, type: string): Field => ({ id, type });
const list = (id: number, type: string): Field => ({ id, type, rule: 'repeated' });
const parameters = (id: number): Field => ({ id, keyType: 'string', type: 'InferParameter' });

const named = { name: field(1, 'string'), version: field(2, 'string') };
const description = { name: field(1, 'string'), datatype: field(2, 'string'), shape: list(3, 'int64') };
const tensor = { ...description, parameters: parameters(4), contents: field(5, 'InferTensorContents') };

const choice = {
  boolParam: field(1, 'bool'),
  int64Param: field(2, 'int64'),
  stringParam: field(3, 'string'),
  doubleParam: field(4, 'double'),
  uint64Param: field(5, 'uint64'),
};

const fields: Record<string, Record<string, Field>> = {
  Empty: {},
  LiveResponse: { live: field(1, 'bool') },
  ReadyResponse: { ready: field(1, 'bool') },
  ModelName: named,
  ServerMetadataResponse: { ...named, extensions: list(3, 'string') },
  TensorMetadata: description,
  ModelMetadataResponse: {
    name: field(1, 'string'),
    versions: list(2, 'string'),
    platform: field(3, 'string'),
    inputs: list(4, 'TensorMetadata'),
    outputs: list(5, 'TensorMetadata'),
  },
  InferParameter: choice,
  InferTensorContents: {
    boolContents: list(1, 'bool'),
    intContents: list(2, 'int32'),
    int64Contents: list(3, 'int64'),
    uintContents: list(4, 'uint32'),
    uint64Contents: list(5, 'uint64'),
    fp32Contents: list(6, 'float'),
    fp64Contents: list(7, 'double'),
    bytesContents: list(8, 'bytes'),
  },
  InferTensor: tensor,
  RequestedOutput: { name: field(1, 'string'), parameters: parameters(2) },
  ModelInferRequest: {
    modelName: field(1, 'string'),
    modelVersion: field(2, 'string'),
    id: field(3, 'string'),
    parameters: parameters(4),
    inputs: list(5, 'InferTensor'),
    outputs: list(6, 'RequestedOutput'),
    rawInputContents: list(7, 'bytes'),
  },
  ModelInferResponse: {
    modelName: field(1, 'string'),
    modelVersion: field(2, 'string'),
    id: field(3, 'string'),
    parameters: parameters(4),
    outputs: list(5, 'InferTensor'),
    rawOutputContents: list(6, 'bytes'),
  },
  RepositoryIndexRequest: { repositoryName: field(1, 'string'), ready: field(2, 'bool') },
  ModelIndex: { ...named, state: field(3, 'string'), reason: field(4, 'string') },
  RepositoryIndexResponse: { models: list(1, 'ModelIndex') },
  RepositoryModelRequest: { repositoryName: field(1, 'string'), modelName: field(2, 'string') },
  HealthCheckRequest: { service: field(1, 'string') },
  HealthCheckResponse: { status: field(1, 'uint32') },
};

const root = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries(fields).map(([name, of]) => [
      name,
      {
        // proto3: a repeated number is packed without saying so.
        options: {},
        fields: Object.fromEntries(
          Object.entries(of).map(([key, one]) => [
            key,
            'rule' in one && isNumber(one.type) ? { ...one, options: { packed: true } } : one,
          ]),
        ),
        ...(name === 'InferParameter' ? { oneofs: { choice: { oneof: Object.keys(choice) } } } : {}),
      },
    ]),
  ),
});

function isNumber(type: string): boolean {
  return ['bool', 'int32', 'int64', 'uint32', 'uint64', 'float', 'double'].includes(type);
}

/** 64-bit integers as protobuf.js has them. */
export type Whole = number | { low: number; high: number; unsigned: boolean };

export interface InferParameter {
  choice?: 'boolParam' | 'int64Param' | 'stringParam' | 'doubleParam' | 'uint64Param';
  boolParam?: boolean;
  int64Param?: Whole;
  stringParam?: string;
  doubleParam?: number;
  uint64Param?: Whole;
}

export interface InferTensorContents {
  boolContents: boolean[];
  intContents: number[];
  int64Contents: Whole[];
  uintContents: number[];
  uint64Contents: Whole[];
  fp32Contents: number[];
  fp64Contents: number[];
  bytesContents: Uint8Array[];
}

export interface InferTensor {
  name: string;
  datatype: string;
  shape: Whole[];
  parameters: Record<string, InferParameter>;
  contents?: InferTensorContents | null;
}

export interface ModelInferRequest {
  modelName: string;
  modelVersion: string;
  id: string;
  parameters: Record<string, InferParameter>;
  inputs: InferTensor[];
  outputs: { name: string; parameters: Record<string, InferParameter> }[];
  rawInputContents: Uint8Array[];
}

export interface ModelInferResponse {
  modelName: string;
  modelVersion: string;
  id: string;
  parameters: Record<string, InferParameter>;
  outputs: { name: string; datatype: string; shape: number[]; contents?: Partial<InferTensorContents> }[];
  rawOutputContents: Uint8Array[];
}

export interface Codec<T> {
  encode: (message: T) => Buffer;
  /** @throws Error when the bytes are no such message */
  decode: (bytes: Uint8Array) => T;
}

/** @param name one of the messages above; T is its shape. */
export function codecOf<T extends object>(name: string): Codec<T> {
  const type = root.lookupType(name);
  return {
    encode: (message) => Buffer.from(type.encode(message as Record<string, unknown>).finish()),
    decode: (bytes) => type.decode(bytes) as protobuf.Message & T,
  };
}
