// Every datatype, as JSON, as binary data, and over gRPC in both of its forms.
import type { Datatype } from '../../../agent/inference/datatypes.ts';
import { type ConformanceCase, groupOf } from '../case.ts';
import { Deviation } from '../deviation.ts';
import { edgesFor } from '../discover.ts';
import { grpcRequest, inferOverGrpc } from '../grpc-server.ts';
import { binaryRequest, inferPath, jsonRequest, readInference } from '../rest-server.ts';
import { inputOf, requireExtension, requireGrpc, type SubjectModel, sampleWith, type Target } from '../target.ts';
import { allDatatypes, type ValueTensor } from '../tensors.ts';

type Send = (target: Target, model: SubjectModel, tensors: ValueTensor[]) => Promise<ValueTensor[]>;

/** Sample values are answered; where the model gives its input back, so are the ends of the range. */
const carries =
  (datatype: Datatype, send: Send): ConformanceCase['run'] =>
  async (target) => {
    const { model, input } = inputOf(target, datatype);
    await send(target, model, model.sample);
    const output = model.echoes.get(input.name);
    if (output === undefined) return;
    const edges = edgesFor(model, input);
    const outputs = await send(target, model, sampleWith(model, edges));
    const found = outputs.find(({ name }) => name === output);
    if (!found) throw new Deviation(`the answer lacks the output ${output}`);
    const lost = edges.values.findIndex((value, index) => String(found.values[index]) !== String(value));
    if (lost >= 0) throw new Deviation(`${String(edges.values[lost])} comes back as ${String(found.values[lost])}`);
  };

const overJson: Send = async ({ rest }, { name }, tensors) =>
  readInference(await rest.send(inferPath(name), { method: 'POST', body: jsonRequest(tensors) })).outputs;

const overBinary: Send = async (target, { name }, tensors) => {
  requireExtension(target, 'binary_tensor_data');
  const request = binaryRequest(tensors, { parameters: { binary_data_output: true } });
  return readInference(await target.rest.send(inferPath(name), { method: 'POST', ...request })).outputs;
};

const overGrpc =
  (raw: boolean): Send =>
  async (target, { name }, tensors) =>
    (await inferOverGrpc(requireGrpc(target), grpcRequest(name, tensors, raw))).tensors;

const rowsOf = (types: readonly Datatype[], what: string, send: Send) =>
  types.map((datatype) => [datatype.toLowerCase(), 'required', `${datatype} ${what}`, carries(datatype, send)] as const);

/** JSON and typed contents have no form for it. */
const withoutHalf = allDatatypes.filter((datatype) => datatype !== 'FP16');

export const typeCases: ConformanceCase[] = [
  ...groupOf('Datatypes', 'json', rowsOf(withoutHalf, 'as JSON', overJson)),
  ...groupOf('Datatypes', 'binary', rowsOf(allDatatypes, 'as binary data', overBinary)),
  ...groupOf('Datatypes', 'grpc-typed', rowsOf(withoutHalf, 'over gRPC, in typed contents', overGrpc(false))),
  ...groupOf('Datatypes', 'grpc-raw', rowsOf(allDatatypes, 'over gRPC, in raw contents', overGrpc(true))),
];
