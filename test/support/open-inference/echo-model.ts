// A network that gives each of its inputs back: one per datatype of the protocol.
import { GraphBuilder } from '../../../energy/onnx/builder.ts';
import { type TensorTypeName, tensorTypes } from '../../../energy/onnx/tensor-types.ts';

/** BF16 is in no runtime's tensors here. */
const typeNames = (Object.keys(tensorTypes) as TensorTypeName[]).filter(
  (name) => tensorTypes[name].openInferenceName !== undefined && name !== 'bfloat16',
);

/** @param half whether FP16 is among them: JSON cannot ask such a model. */
export function echoModel(half: boolean): Uint8Array {
  const graph = new GraphBuilder({ name: 'echo' });
  for (const type of typeNames.filter((name) => half === (name === 'float16'))) {
    const input = graph.input(`in_${type}`, ['n'], type);
    graph.output(`out_${type}`, graph.node('Identity', [input], ['n']), type);
  }
  return graph.build();
}
