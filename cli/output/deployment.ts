// One deployment in one line, for the progress of `up` and the table of `status`.
import type { AmountStatus, ClassStatus, ModelDeployment, PredictedAmount } from '../../crds/model-deployment.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import type { Interval } from '../../crds/shared.ts';
import type { Condition } from '../../kube/api/objects.ts';

export type Standing = 'working' | 'ready' | 'refused';

export interface DeploymentLine {
  name: string;
  standing: Standing;
  /** Where it is now, or why not, with the number that decided. */
  text: string;
}

export function describeDeployment(deployment: ModelDeployment, instances: readonly ModelInstance[]): DeploymentLine {
  const name = `${deployment.metadata.namespace ?? 'default'}/${deployment.metadata.name}`;
  const conditions = deployment.status?.conditions ?? [];
  const find = (type: string) => conditions.find((condition) => condition.type === type);
  const ready = find('Ready');
  const current = deployment.status?.observedGeneration === deployment.metadata.generation;
  if (current && ready?.status === 'True') return { name, standing: 'ready', text: describeReady(deployment, instances) };
  const stalled = find('Stalled');
  if (current && stalled?.status === 'True') return { name, standing: 'refused', text: `${stalled.reason}: ${stalled.message}` };
  return { name, standing: 'working', text: describeWork(conditions, instances) };
}

function describeReady(deployment: ModelDeployment, instances: readonly ModelInstance[]): string {
  const devices = instances.map((instance) => instance.spec.deviceName).sort();
  const respected = deployment.status?.conditions?.find((condition) => condition.type === 'BudgetRespected');
  const energy = (deployment.status?.classes ?? [])
    .filter((one) => one.devices > 0)
    .flatMap((one) => one.amounts.map((amount) => describeAmount(one, amount)));
  const verdict = respected?.status === 'Unknown' ? [`BudgetRespected Unknown (${respected.reason})`] : [];
  return [`serving on ${devices.join(', ')}`, ...energy, ...verdict].join('; ');
}

/** "measured 3.10mJ [3.02mJ, 3.18mJ] by fnb58, predicted 2.9mJ [2.4mJ, 3.5mJ] of 8mJ at Board": no number without its source. */
export function describeAmount(one: ClassStatus, amount: AmountStatus): string {
  const { measured, predicted } = amount;
  const numbers = [
    ...(measured ? [`measured ${formatInterval(measured)} by ${measured.source}`] : []),
    ...(predicted ? [`predicted ${formatInterval(predicted)} by ${predicted.predictor}${caveatsOf(predicted)}`] : []),
  ];
  if (numbers.length === 0)
    return `no number for the budget of ${amount.budget} at ${one.boundary} (${amount.reason ?? amount.verdict})`;
  return `${numbers.join(', ')} of ${amount.budget} at ${one.boundary}`;
}

function formatInterval({ value, lower, upper }: Interval): string {
  return `${value} [${lower}, ${upper}]`;
}

function caveatsOf({ inDomain, transferred }: PredictedAmount): string {
  const caveats = [...(inDomain ? [] : ['out of domain']), ...(transferred ? ['transferred'] : [])];
  return caveats.length === 0 ? '' : ` (${caveats.join(', ')})`;
}

function describeWork(conditions: readonly Condition[], instances: readonly ModelInstance[]): string {
  const test = instances
    .flatMap((instance) => instance.status?.tests ?? [])
    .find((one) => one.state === 'Running' || one.state === 'Waiting');
  if (test) return `energy test: ${test.windowsDone} of ${test.windows} windows measured`;
  const open = ['ModelResolved', 'BudgetAdmitted', 'Placed', 'RolledOut'].map((type) =>
    conditions.find((one) => one.type === type),
  );
  const first = open.find((condition) => condition && condition.status !== 'True');
  return first ? `${first.type}: ${first.message || first.reason}` : 'waiting for the controller';
}
