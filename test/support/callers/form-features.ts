// What bodies are written in, and what answers are asked for in.
import { asked, bodyType, type Caller, type Feature, feature, option } from './feature.ts';

const written = (name: string, type: string, callers: readonly Caller[]) =>
  feature(`${name} (${type})`, callers, (call) => asked(call, 'create', 'update') && bodyType(call) === type);
const patched = (name: string, type: string, callers: readonly Caller[]) =>
  feature(`${name} (${type})`, callers, (call) => asked(call, 'patch') && bodyType(call) === type);
const protobufType = 'application/vnd.kubernetes.protobuf';
/** The envelope says the kind in plain letters after its length. */
const protobuf = (kind: string, callers: readonly Caller[]) =>
  feature(`a ${kind} in protobuf (${protobufType})`, callers, (call) => {
    const named = `${String.fromCharCode(kind.length)}${kind}`;
    return asked(call, 'create', 'update') && bodyType(call) === protobufType && call.body.slice(0, 120).includes(named);
  });

const applyType = 'application/apply-patch+yaml';

export const formFeatures: readonly Feature[] = [
  written('JSON', 'application/json', ['product', 'kube', 'kubectl', 'client-go', 'client-node']),
  protobuf('Namespace', ['kubectl']),
  protobuf('ConfigMap', ['kubectl']),
  protobuf('Secret', ['kubectl']),
  protobuf('Lease', ['client-go']),
  protobuf('CertificateSigningRequest', ['kubectl']),
  patched('JSON patch', 'application/json-patch+json', ['kube', 'kubectl', 'python', 'client-node']),
  patched('merge patch', 'application/merge-patch+json', ['product', 'kube', 'kubectl', 'python', 'client-go', 'client-node']),
  patched('strategic merge patch', 'application/strategic-merge-patch+json', ['kubectl']),
  feature(
    `apply (${applyType})`,
    ['product', 'kube', 'kubectl', 'python', 'client-go', 'client-node'],
    (call) => bodyType(call) === applyType,
  ),
  feature('answers as a Table', ['kubectl'], (call) => asked(call, 'get', 'list') && call.accept.includes('as=Table')),
  feature('a watch as a Table', ['kubectl'], (call) => asked(call, 'watch') && call.accept.includes('as=Table')),
  feature('Table with includeObject=Object', ['kubectl'], (call) => option(call, 'includeObject') === 'Object'),
];
