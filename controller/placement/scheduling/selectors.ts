// Label selectors, tolerations and versions. Pure.
import type { LabelSelector, Toleration } from '../../../crds/model-deployment.ts';
import type { DeviceView } from './types.ts';

export function selects(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (!selector) return true;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  return (selector.matchExpressions ?? []).every((expression) => holds(expression, labels[expression.key]));
}

function holds(
  { operator, values = [] }: NonNullable<LabelSelector['matchExpressions']>[number],
  value: string | undefined,
): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

/** The first taint that nothing tolerates; for what serves already only NoServing counts. */
export function untolerated(
  taints: DeviceView['taints'],
  tolerations: readonly Toleration[],
  serves: boolean,
): DeviceView['taints'][number] | undefined {
  return taints.find(
    (taint) => (taint.effect === 'NoServing' || !serves) && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

function tolerates(toleration: Toleration, taint: DeviceView['taints'][number]): boolean {
  if (toleration.effect !== undefined && toleration.effect !== taint.effect) return false;
  if (toleration.key === undefined) return toleration.operator === 'Exists';
  if (toleration.key !== taint.key) return false;
  return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
}

/** Compares dotted versions by number; what follows a hyphen is a pre-release and comes before its release. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  for (let index = 0; index < Math.max(left.numbers.length, right.numbers.length); index++) {
    const difference = (left.numbers[index] ?? 0) - (right.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return Number(right.preRelease) - Number(left.preRelease);
}

function parseVersion(text: string): { numbers: number[]; preRelease: boolean } {
  const [core = '', ...rest] = text.replace(/^v/, '').split('-');
  return { numbers: core.split('.').map((part) => Number.parseInt(part, 10) || 0), preRelease: rest.length > 0 };
}
