// A server over gRPC. The messages are numbered as the protocol's .proto file numbers them (agent/protocols/grpc/messages.ts).
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { Datatype } from '../../agent/inference/datatypes.ts';
import { codecOf, type InferTensorContents, type Whole } from '../../agent/protocols/grpc/messages.ts';
import { contentsFieldOf } from '../../agent/protocols/grpc/tensor-contents.ts';
import { Deviation } from './deviation.ts';
import { countOf, fromBinary, toBinary, type Value, type ValueTensor } from './tensors.ts';

export interface GrpcServer {
  /** One call of inference.GRPCInferenceService, or of the service that a path names. @throws GrpcRefusal */
  call<T extends object>(method: string, codecs: readonly [string, string], request: object): Promise<T>;
  close(): void;
}

/** The server answered with a status that is not OK. */
export class GrpcRefusal extends Error {
  override readonly name = 'GrpcRefusal';
  readonly code: status;

  constructor(method: string, error: ServiceError) {
    super(`${method} answered ${status[error.code]}${error.details === '' ? '' : ` ${error.details.slice(0, 200)}`}`);
    this.code = error.code;
  }
}

export function connectGrpc(
  address: string,
  options: { timeoutMilliseconds: number; certificateAuthority?: string; token?: string; secure: boolean },
): GrpcServer {
  const { certificateAuthority: ca, secure, timeoutMilliseconds, token } = options;
  const trust = secure ? credentials.createSsl(ca === undefined ? null : Buffer.from(ca)) : credentials.createInsecure();
  const client = new Client(address, trust, { 'grpc.max_receive_message_length': -1 });
  return {
    call: <T extends object>(method: string, [from, to]: readonly [string, string], request: object) =>
      new Promise<T>((resolve, reject) => {
        const metadata = new Metadata();
        if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
        const path = method.startsWith('/') ? method : `/inference.GRPCInferenceService/${method}`;
        client.makeUnaryRequest(
          path,
          codecOf<object>(from).encode,
          codecOf<T>(to).decode,
          request,
          metadata,
          { deadline: Date.now() + timeoutMilliseconds },
          (error, answer) => {
            if (error) reject(new GrpcRefusal(method, error));
            else if (answer) resolve(answer);
            else reject(new Deviation(`${method} answered nothing`));
          },
        );
      }),
    close: () => client.close(),
  };
}

export interface GrpcInferRequest {
  modelName: string;
  modelVersion?: string;
  id?: string;
  inputs: object[];
  outputs?: object[];
  rawInputContents?: Uint8Array[];
}

export interface GrpcInferAnswer {
  modelName: string;
  modelVersion: string;
  id: string;
  tensors: ValueTensor[];
  raw: boolean;
}

export function grpcRequest(modelName: string, tensors: readonly ValueTensor[], raw: boolean): GrpcInferRequest {
  if (!raw) return { modelName, inputs: tensors.map((tensor) => ({ ...headOf(tensor), contents: contentsOf(tensor) })) };
  return { modelName, inputs: tensors.map(headOf), rawInputContents: tensors.map(toBinary) };
}

const headOf = ({ name, datatype, shape }: ValueTensor) => ({ name, datatype, shape });

function contentsOf({ datatype, values }: ValueTensor): Record<string, unknown[]> {
  if (datatype === 'FP16') throw new Error('FP16 has no typed contents');
  const encode = (value: Value): unknown => {
    if (typeof value === 'string') return Buffer.from(value, 'utf8');
    if (typeof value !== 'bigint') return value;
    const [low, high] = [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
    return { low, high, unsigned: datatype === 'UINT64' };
  };
  return { [contentsFieldOf[datatype]]: values.map(encode) };
}

interface WireTensor {
  name: string;
  datatype: string;
  shape: Whole[];
  contents?: InferTensorContents | null;
}

/** @throws GrpcRefusal, or Deviation when the answer is not as the protocol describes it */
export async function inferOverGrpc(server: GrpcServer, request: GrpcInferRequest): Promise<GrpcInferAnswer> {
  const answer = await server.call<{
    modelName: string;
    modelVersion: string;
    id: string;
    outputs: WireTensor[];
    rawOutputContents: Uint8Array[];
  }>('ModelInfer', ['ModelInferRequest', 'ModelInferResponse'], request);
  const raw = answer.rawOutputContents.length > 0;
  if (raw && answer.rawOutputContents.length !== answer.outputs.length)
    throw new Deviation(`${answer.rawOutputContents.length} raw_output_contents for ${answer.outputs.length} outputs`);
  const tensors = answer.outputs.map((output, index) => readTensor(output, answer.rawOutputContents[index], `outputs[${index}]`));
  return { modelName: answer.modelName, modelVersion: answer.modelVersion, id: answer.id, tensors, raw };
}

function readTensor(output: WireTensor, raw: Uint8Array | undefined, where: string): ValueTensor {
  const datatype = output.datatype as Datatype;
  const head = { name: output.name, datatype, shape: output.shape.map((size) => Number(wholeOf(size))) };
  if (raw) return fromBinary(head, Buffer.from(raw), where);
  if (datatype === 'FP16') throw new Deviation(`${where} is FP16 and not raw: the protocol has no typed contents for it`);
  const list: readonly unknown[] = output.contents?.[contentsFieldOf[datatype]] ?? [];
  if (list.length !== countOf(head.shape))
    throw new Deviation(`${where} has ${list.length} elements in its contents; its shape is [${head.shape.join(', ')}]`);
  return { ...head, values: list.map((value) => decode(value)) };
}

function decode(value: unknown): Value {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value === 'object' && value !== null) return wholeOf(value as Whole);
  return value as Value;
}

export function wholeOf(value: Whole): bigint {
  if (typeof value === 'number') return BigInt(value);
  const bits = (BigInt(value.high) << 32n) | BigInt(value.low >>> 0);
  return value.unsigned ? BigInt.asUintN(64, bits) : bits;
}

/** Requires that a call is refused, with one of these codes where the code matters. @throws Deviation */
export async function grpcRefused(call: Promise<unknown>, codes: readonly status[]): Promise<void> {
  const refusal = await call.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof GrpcRefusal) return error;
      throw error;
    },
  );
  if (refusal === undefined) throw new Deviation('the server answered, although the request is wrong');
  if (refusal.code === status.DEADLINE_EXCEEDED) throw new Deviation(refusal.message);
  if (!codes.includes(refusal.code))
    throw new Deviation(`${refusal.message}, not ${codes.map((code) => status[code]).join(' or ')}`, 'advised');
}
