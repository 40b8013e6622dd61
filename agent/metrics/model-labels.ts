import type { ServedModel } from '../serving/served-model.ts';

export const modelLabels = ['namespace', 'deployment', 'version'] as const;

export function labelsOf(model: ServedModel | undefined): Record<(typeof modelLabels)[number], string> {
  return {
    namespace: model?.address.namespace ?? '',
    deployment: model?.address.deployment ?? '',
    version: model?.slot.modelVersion ?? '',
  };
}
