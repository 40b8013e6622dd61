import type { ServedModel } from '../serving/served-model.ts';

export const modelLabels = ['namespace', 'deployment', 'version'] as const;

export type ModelLabels = Record<(typeof modelLabels)[number], string>;

export function labelsOf(model: ServedModel | undefined): ModelLabels {
  return {
    namespace: model?.address.namespace ?? '',
    deployment: model?.address.deployment ?? '',
    version: model?.slot.modelVersion ?? '',
  };
}

/** One text per model and version. */
export function modelKey({ namespace, deployment, version }: ModelLabels): string {
  return `${namespace}/${deployment}@${version}`;
}
