// Joins the runtime's profile with the graph it wrote after fusion: every tensor's shape as it was at run time.
import type { GraphProto } from '../../onnx/messages.ts';
import { type TensorTypeName, tensorTypeName, tensorTypes } from '../../onnx/tensor-types.ts';
import { inferShapes } from '../inference/infer.ts';
import type { KnownTensor } from '../inference/tensor.ts';

interface ProfileEvent {
  operator: string;
  /** The node's name, or `Operator_index` for a node without one. */
  name: string;
  outputs: KnownTensor[];
}

const suffix = '_kernel_time';
/** The profile's names of element types, where they differ from ours. */
const profileTypes: Readonly<Record<string, TensorTypeName>> = { float: 'float32', double: 'float64' };

/** Shapes by tensor name. `text` is the profile's JSON. */
export function observedTensors(text: string, graph: GraphProto, opset: number): ReadonlyMap<string, KnownTensor> {
  const events = nodeEvents(text);
  const byName = new Map(events.map((event) => [`${event.operator} ${event.name}`, event]));
  const observed = new Map<string, KnownTensor>();
  for (const node of graph.node) {
    const event = node.name ? byName.get(`${node.opType ?? ''} ${node.name}`) : undefined;
    if (event) note(observed, node.output, event.outputs);
  }
  const { tensors } = inferShapes(graph, opset, observed);
  const all = new Map(tensors);
  matchUnnamed(graph, events, all);
  return all;
}

/** What inference cannot tell of unnamed nodes (inlined functions): events of one operator come in the graph's order. */
function matchUnnamed(graph: GraphProto, events: readonly ProfileEvent[], tensors: Map<string, KnownTensor>): void {
  const named = new Set(graph.node.map((node) => node.name ?? ''));
  const queues = new Map<string, ProfileEvent[]>();
  for (const event of events)
    if (!named.has(event.name)) queues.set(event.operator, [...(queues.get(event.operator) ?? []), event]);
  for (const node of graph.node) {
    if (node.name) continue;
    const event = queues.get(node.opType ?? '')?.shift();
    const missing = node.output.some((name) => name !== '' && !tensors.get(name)?.shape);
    if (event && missing) note(tensors, node.output, event.outputs);
  }
}

function note(tensors: Map<string, KnownTensor>, names: readonly string[], shapes: readonly KnownTensor[]): void {
  const present = names.filter((name) => name !== '');
  for (const [index, name] of present.entries()) {
    const shape = shapes[index];
    if (shape) tensors.set(name, shape);
  }
}

/** The events of the first run, in time order. */
function nodeEvents(text: string): ProfileEvent[] {
  const seen = new Set<string>();
  const events: ProfileEvent[] = [];
  for (const event of JSON.parse(text) as { cat?: string; name?: string; args?: Record<string, unknown> }[]) {
    const label = event.name ?? '';
    if (event.cat !== 'Node' || !label.endsWith(suffix) || seen.has(label)) continue;
    seen.add(label);
    events.push({
      operator: textOf(event.args?.['op_name']),
      name: label.slice(0, -suffix.length),
      outputs: shapesOf(event.args?.['output_type_shape']),
    });
  }
  return events;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function shapesOf(value: unknown): KnownTensor[] {
  if (!Array.isArray(value)) return [];
  return (value as Record<string, number[]>[]).map((entry) => {
    const [type = '', shape = []] = Object.entries(entry)[0] ?? [];
    const name = profileTypes[type] ?? type;
    const code = name in tensorTypes ? tensorTypes[name as TensorTypeName].code : undefined;
    return { shape, ...(code !== undefined && tensorTypeName(code) ? { elementType: code } : {}), constant: false };
  });
}
