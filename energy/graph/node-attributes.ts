// Attributes of an ONNX node as plain values.
import type { NodeProto, TensorProto } from '../onnx/messages.ts';
import type { AttributeValue } from './operation.ts';

const decoder = new TextDecoder();

export function attributesOf(node: NodeProto): Map<string, AttributeValue> {
  const attributes = new Map<string, AttributeValue>();
  for (const attribute of node.attribute) {
    const { name } = attribute;
    if (name === undefined) continue;
    if (attribute.i !== undefined) attributes.set(name, Number(attribute.i));
    else if (attribute.s !== undefined) attributes.set(name, decoder.decode(attribute.s));
    else if (attribute.ints.length > 0) attributes.set(name, attribute.ints.map(Number));
    else if (attribute.f !== undefined) attributes.set(name, attribute.f);
  }
  return attributes;
}

export function tensorAttribute(node: NodeProto, name: string): TensorProto | undefined {
  return node.attribute.find((attribute) => attribute.name === name)?.t;
}
