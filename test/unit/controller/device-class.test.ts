import { describe, expect, it } from 'vitest';
import { describeClassStatus } from '../../../controller/device-class/reconcile.ts';
import type { DeviceClass, PredictorReference } from '../../../crds/device-class.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';

const now = '2026-01-01T00:00:00Z';
const predictor: PredictorReference = { name: 'pi-cores', boundary: 'CoreRail', digest: 'sha256:0', source: 'shipped:pi-cores' };
const loaded = { reference: predictor };
const failed = { reference: predictor, failure: 'its digest is another one' };

function statusOf(findings: Partial<Parameters<typeof describeClassStatus>[1]>, before?: DeviceClass['status']) {
  const deviceClass: Stored<DeviceClass> = {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'DeviceClass',
    metadata: { name: 'pi', uid: 'u', resourceVersion: '1', generation: 3, creationTimestamp: now },
    spec: {},
    ...(before === undefined ? {} : { status: before }),
  };
  return describeClassStatus(deviceClass, { loaded: [], borrowed: [], calibration: [], devices: 0, ...findings }, now);
}

describe('a device class', () => {
  it('is Ready when every predictor that it names is loaded', () => {
    const { conditions } = statusOf({ loaded: [loaded] });
    expect(findCondition(conditions, 'Ready')).toEqual({
      type: 'Ready',
      status: 'True',
      reason: 'Succeeded',
      message: 'loaded: pi-cores',
      lastTransitionTime: now,
      observedGeneration: 3,
    });
  });

  it('is Ready without any: it was declared so, and PredictorReady says what that means', () => {
    const { conditions } = statusOf({});
    expect(findCondition(conditions, 'Ready')).toMatchObject({ status: 'True', message: 'it names no predictor of its own' });
    expect(findCondition(conditions, 'PredictorReady')).toMatchObject({ status: 'False', reason: 'NoPredictor' });
  });

  it('is not Ready while one of them cannot be had, and says which and why', () => {
    const { conditions } = statusOf({ loaded: [loaded, failed] }, statusOf({ loaded: [loaded] }));
    expect(findCondition(conditions, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'NoPredictor',
      message: 'pi-cores: its digest is another one',
    });
  });
});
