// The server under test: how it is reached, what it says of itself, and the models that requests can be built for.
import { Deviation, NotApplicable } from './deviation.ts';
import type { GrpcServer } from './grpc-server.ts';
import type { RestServer } from './rest-server.ts';
import type { TensorSignature } from './samples.ts';
import type { ValueTensor } from './tensors.ts';

export interface SubjectModel {
  name: string;
  /** One that its metadata list. */
  version: string | undefined;
  inputs: TensorSignature[];
  outputs: TensorSignature[];
  /** A request that it answered, one tensor per input. */
  sample: ValueTensor[];
  /** Outputs that gave an input back unchanged, by the input's name. */
  echoes: ReadonlyMap<string, string>;
}

export interface Target {
  rest: RestServer;
  grpc: GrpcServer | undefined;
  /** As its metadata list them. */
  extensions: ReadonlySet<string>;
  models: readonly SubjectModel[];
  /** A person said that models may be unloaded and loaded again. */
  mayUnload: boolean;
}

/** The first model that fits. @throws NotApplicable with `otherwise` */
export function modelWhere(target: Target, fits: (model: SubjectModel) => boolean, otherwise: string): SubjectModel {
  const found = target.models.find(fits);
  if (!found) throw new NotApplicable(otherwise);
  return found;
}

/** One that JSON alone can ask; a single input of numbers first, because most cases change one input. */
export function plainModel(target: Target): SubjectModel {
  const usable = target.models.filter((model) => model.inputs.every((input) => input.datatype !== 'FP16'));
  const simple = usable.find(
    ({ inputs }) => inputs.length === 1 && inputs.some(({ datatype, shape }) => datatype.startsWith('FP') && shape.length > 0),
  );
  const found = simple ?? usable[0];
  if (!found) throw new NotApplicable('no model under test takes what JSON can carry');
  return found;
}

export function requireExtension(target: Target, name: string): void {
  if (!target.extensions.has(name)) throw new NotApplicable(`the server does not announce the extension ${name}`);
}

export function requireGrpc(target: Target): GrpcServer {
  if (!target.grpc) throw new NotApplicable('no gRPC address was given (--grpc)');
  return target.grpc;
}

/** A model's input of this datatype. @throws NotApplicable */
export function inputOf(target: Target, datatype: string): { model: SubjectModel; input: TensorSignature } {
  const matches = target.models.flatMap((model) =>
    model.inputs.filter((input) => input.datatype === datatype).map((input) => ({ model, input })),
  );
  const found = matches.find(({ model, input }) => model.echoes.has(input.name)) ?? matches[0];
  if (!found) throw new NotApplicable(`no model under test takes ${datatype}`);
  return found;
}

/** The sample request with one input changed. */
export function sampleWith(model: SubjectModel, changed: ValueTensor): ValueTensor[] {
  return model.sample.map((tensor) => (tensor.name === changed.name ? changed : tensor));
}

export function firstOf(tensors: readonly ValueTensor[]): ValueTensor {
  const first = tensors[0];
  if (!first) throw new Deviation('the answer has no outputs');
  return first;
}
