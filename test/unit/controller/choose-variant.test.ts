import { describe, expect, it } from 'vitest';
import { chooseVariant } from '../../../controller/estimate/choose-variant.ts';
import type { VariantEstimate } from '../../../controller/estimate/estimator.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import type { ModelVersion } from '../../../crds/model-version.ts';
import { testPrediction } from '../../support/test-prediction.ts';

interface Known {
  joules: number;
  admission: VariantEstimate['admission'];
  accuracyPermille?: number;
}

const device: EdgeDevice = { apiVersion: 'jouleops.dev/v1alpha1', kind: 'EdgeDevice', metadata: { name: 'pi' }, spec: {} };

function choose(variants: Record<string, Known>, asked: { minimum?: number; names?: string[] } = {}) {
  const version: ModelVersion = {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelVersion',
    metadata: { name: 'm' },
    spec: {
      family: 'm',
      version: '1.0.0',
      variants: Object.entries(variants).map(([name, { accuracyPermille }]) => ({
        name,
        digest: `sha256:${'0'.repeat(64)}`,
        sources: [],
        ...(accuracyPermille === undefined ? {} : { declaredAccuracyPermille: accuracyPermille }),
      })),
    },
  };
  const deployment: ModelDeployment = {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name: 'd' },
    spec: {
      modelVersionName: 'm',
      budget: { energyPerInference: '80mJ' },
      placement: asked.names === undefined ? {} : { variantNames: asked.names },
      ...(asked.minimum === undefined ? {} : { requirements: { minimumAccuracyPermille: asked.minimum } }),
    },
  };
  const estimate = (_: unknown, variant: { name: string; digest: string }): VariantEstimate => {
    const { joules, admission } = variants[variant.name] as Known;
    return {
      variant: variant.name,
      digest: variant.digest,
      boundary: 'Board',
      verdict: admission === 'Direct' ? 'WithinBudget' : admission === 'Canary' ? 'Uncertain' : 'ExceedsBudget',
      admission,
      reason: 'WithinBudget',
      message: `${variant.name} takes ${joules} J`,
      amounts: [],
      prediction: testPrediction('p@1', joules),
    };
  };
  const choice = chooseVariant({ estimate }, deployment, version, device);
  return choice.kind === 'chosen' ? choice.variant.name : `${choice.verdict}: ${choice.message}`;
}

describe('the variant for a device', () => {
  it('is the cheapest of those that the budget admits', () => {
    expect(choose({ fp32: { joules: 3, admission: 'Direct' }, int8: { joules: 1, admission: 'Direct' } })).toBe('int8');
    expect(choose({ fp32: { joules: 3, admission: 'Direct' }, big: { joules: 1, admission: 'Refused' } })).toBe('fp32');
  });

  it('is one that needs no test before a cheaper one that does', () => {
    expect(choose({ fp32: { joules: 3, admission: 'Direct' }, int8: { joules: 1, admission: 'Canary' } })).toBe('fp32');
  });

  it('is accurate enough: what declares too little, or nothing, is left out', () => {
    const variants: Record<string, Known> = {
      fp32: { joules: 3, admission: 'Direct', accuracyPermille: 990 },
      int8: { joules: 1, admission: 'Direct', accuracyPermille: 940 },
      tiny: { joules: 0.1, admission: 'Direct' },
    };
    expect(choose(variants, { minimum: 950 })).toBe('fp32');
    expect(choose(variants, { minimum: 995 })).toBe(
      'AccuracyTooLow: variant fp32 declares 990 permille < requirements.minimumAccuracyPermille 995',
    );
  });

  it('is one of those that placement.variantNames names', () => {
    const variants: Record<string, Known> = {
      fp32: { joules: 3, admission: 'Direct' },
      int8: { joules: 1, admission: 'Direct' },
    };
    expect(choose(variants, { names: ['fp32'] })).toBe('fp32');
    expect(choose(variants, { names: ['fp8'] })).toBe('Unknown: m has no variant fp8: correct placement.variantNames');
  });

  it('is none where every one is refused, with the number of the nearest', () => {
    expect(choose({ fp32: { joules: 3, admission: 'Refused' }, int8: { joules: 2, admission: 'Refused' } })).toBe(
      'ExceedsBudget: int8 takes 2 J',
    );
  });
});
