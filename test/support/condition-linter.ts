// The rules that tools such as `kubectl wait`, kstatus, Flux and Argo CD stand on, checked on one object. Pure.
import { agentDeviceConditions, agentInstanceConditions } from '../../crds/conditions.ts';

/** Of metav1.Condition; Kubernetes refuses more in its own types, and says so in their schemas. */
const limits = { reason: 1024, message: 32768 } as const;
const statuses = new Set<unknown>(['True', 'False', 'Unknown']);
const camelCase = /^[A-Z][A-Za-z0-9]*$/;
const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** Their agent writes conditions and observedGeneration of its own, before or after the controller adds Ready. */
const agentConditions: Readonly<Record<string, ReadonlySet<unknown>>> = {
  EdgeDevice: new Set(agentDeviceConditions),
  ModelInstance: new Set(agentInstanceConditions),
};

export interface LintedObject {
  kind: string;
  metadata: { name: string; generation?: number };
  status?: unknown;
}

type Fields = Record<string, unknown>;

/**
 * What is wrong with the status of one of our objects, one sentence per finding; empty when all is well. An object whose
 * spec has moved on may still say Ready for the generation before: readers see that by observedGeneration, so Ready must
 * carry one, and the same as the status.
 */
export function lintStatus({ kind, metadata, status }: LintedObject): string[] {
  if (!isFields(status)) return [];
  const { generation } = metadata;
  const observed = status['observedGeneration'];
  const conditions: Fields[] = Array.isArray(status['conditions']) ? status['conditions'].filter(isFields) : [];
  return [
    ...lintGeneration('status', observed, generation),
    ...conditions.flatMap((condition) => lintCondition(condition, generation)),
    ...lintTypes(conditions),
    ...lintSummary(kind, conditions, observed),
  ];
}

function lintCondition(condition: Fields, generation: number | undefined): string[] {
  const { type, status, reason, message, lastTransitionTime, observedGeneration } = condition;
  const name = String(type);
  const findings = lintGeneration(name, observedGeneration, generation);
  if (typeof type !== 'string' || type === '') findings.push(`a condition has the type ${JSON.stringify(type)}`);
  if (!statuses.has(status)) findings.push(`${name} has the status ${JSON.stringify(status)}`);
  if (typeof reason !== 'string' || !camelCase.test(reason))
    findings.push(`${name} has the reason ${JSON.stringify(reason)}, which is not CamelCase`);
  else if (reason.length > limits.reason) findings.push(`${name} has a reason of ${reason.length} characters`);
  if (typeof message !== 'string') findings.push(`${name} has no message`);
  else if (message.length > limits.message) findings.push(`${name} has a message of ${message.length} characters`);
  if (!isTime(lastTransitionTime))
    findings.push(`${name} has the lastTransitionTime ${JSON.stringify(lastTransitionTime)}, which is not RFC 3339`);
  return findings;
}

function lintGeneration(name: string, observed: unknown, generation: number | undefined): string[] {
  if (observed === undefined) return [];
  if (typeof observed === 'number' && observed <= (generation ?? 0)) return [];
  return [`${name} has the observedGeneration ${JSON.stringify(observed)}, the object the generation ${generation}`];
}

function lintTypes(conditions: readonly Fields[]): string[] {
  const types = conditions.map((condition) => condition['type']);
  const repeated = new Set(types.filter((type, at) => types.indexOf(type) !== at));
  return [...repeated].map((type) => `${String(type)} is there more than once`);
}

function lintSummary(kind: string, conditions: readonly Fields[], observed: unknown): string[] {
  const isTrue = (type: string) => conditions.some((condition) => condition['type'] === type && condition['status'] === 'True');
  const ofAgent = agentConditions[kind];
  const ready = conditions.find((condition) => condition['type'] === 'Ready');
  const findings: string[] = [];
  if (!ready && conditions.some((condition) => !ofAgent?.has(condition['type'])))
    findings.push('there are conditions, and Ready is not among them');
  if (isTrue('Reconciling') && isTrue('Stalled')) findings.push('Reconciling and Stalled are both True');
  if (!isTrue('Ready')) return findings;
  for (const type of ['Reconciling', 'Stalled']) if (isTrue(type)) findings.push(`Ready and ${type} are both True`);
  const readyFor = ready?.['observedGeneration'];
  if (readyFor === undefined) findings.push('Ready is True and does not say for which generation');
  else if (ofAgent === undefined && readyFor !== observed)
    findings.push(`Ready is True for the generation ${JSON.stringify(readyFor)}, the status is of ${JSON.stringify(observed)}`);
  return findings;
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && rfc3339.test(value) && !Number.isNaN(Date.parse(value));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
