import { modelDeployment as deployment } from './objects.ts';
import {
  accepted,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  type RuleCase,
  rejected,
  required,
  tooLong,
  tooMany,
} from './rule-case.ts';

const budget = (changes: Record<string, unknown>) => deployment({ budget: changes });
const placement = (changes: Record<string, unknown>) => deployment({ placement: changes });
const steps = (...list: Record<string, unknown>[]) => deployment({ rollout: { steps: list } });

export const deploymentCases: RuleCase[] = [
  accepted('the least that a deployment needs', deployment()),
  rejected('no budget', { ...deployment(), spec: { modelVersionName: 'a', placement: {} } }, ['spec.budget', required]),
  rejected('no spec', { ...deployment(), spec: undefined }, ['spec', required]),
  rejected('a name too long for a label', deployment({}, 'a'.repeat(64)), ['metadata.name', tooLong]),
  rejected('a name with a dot, which no host name may have', deployment({}, 'a.b'), ['metadata.name', invalid]),

  accepted('energy in every unit', budget({ energyPerInference: '0.5µJ', energyPerDay: '1.5Wh', averagePower: '2500mW' })),
  rejected('a budget without an amount', budget({ confidencePercent: 90 }), ['spec.budget.energyPerInference', required]),
  rejected('energy without a unit', budget({ energyPerInference: '80' }), ['spec.budget.energyPerInference', invalid]),
  rejected('energy that is zero', budget({ energyPerInference: '0mJ' }), ['spec.budget.energyPerInference', invalid]),
  rejected('energy that is zero in many digits', budget({ energyPerInference: '0.000J' }), [
    'spec.budget.energyPerInference',
    invalid,
  ]),
  rejected('energy with a sign', budget({ energyPerInference: '-80mJ' }), ['spec.budget.energyPerInference', invalid]),
  rejected('energy in watts', budget({ energyPerInference: '80mW' }), ['spec.budget.energyPerInference', invalid]),
  rejected('power in joules', budget({ averagePower: '2.5J' }), ['spec.budget.averagePower', invalid]),
  rejected('energy as a number', budget({ energyPerInference: 80 }), ['spec.budget.energyPerInference', 'FieldValueTypeInvalid']),
  accepted(
    'an amount that differs for a class',
    budget({ averagePower: '2.5W', byClass: [{ deviceClassName: 'jetson-nano', averagePower: '4W' }] }),
  ),
  rejected('a class without an amount', budget({ averagePower: '2.5W', byClass: [{ deviceClassName: 'jetson-nano' }] }), [
    'spec.budget.byClass[0].energyPerInference',
    required,
  ]),
  rejected('amounts for classes only', budget({ byClass: [{ deviceClassName: 'jetson-nano', averagePower: '4W' }] }), [
    'spec.budget.energyPerInference',
    required,
  ]),
  rejected(
    'one class twice',
    budget({
      averagePower: '1W',
      byClass: [
        { deviceClassName: 'a', averagePower: '4W' },
        { deviceClassName: 'a', averagePower: '5W' },
      ],
    }),
    ['spec.budget.byClass[1]', duplicate],
  ),
  rejected('a boundary that does not exist', budget({ averagePower: '1W', boundary: 'Wall' }), [
    'spec.budget.boundary',
    notSupported,
  ]),
  rejected('confidence below one half', budget({ averagePower: '1W', confidencePercent: 49 }), [
    'spec.budget.confidencePercent',
    invalid,
  ]),
  rejected('certainty', budget({ averagePower: '1W', confidencePercent: 100 }), ['spec.budget.confidencePercent', invalid]),

  accepted('a rate per minute', deployment({ load: { requestRate: '12/min' } })),
  rejected('a rate without a unit', deployment({ load: { requestRate: '5' } }), ['spec.load.requestRate', invalid]),
  rejected('a rate of zero', deployment({ load: { requestRate: '0/s' } }), ['spec.load.requestRate', invalid]),
  accepted('memory as a quantity', deployment({ requirements: { memory: '256Mi' } })),
  accepted('memory as a number of bytes', deployment({ requirements: { memory: 268435456 } })),
  rejected('memory below nothing', deployment({ requirements: { memory: -1 } }), ['spec.requirements.memory', invalid]),
  rejected('memory that is no quantity', deployment({ requirements: { memory: '256 MB' } }), [
    'spec.requirements.memory',
    invalid,
  ]),
  rejected('accuracy above one', deployment({ requirements: { minimumAccuracyPermille: 1001 } }), [
    'spec.requirements.minimumAccuracyPermille',
    invalid,
  ]),
  rejected('a version that is none', deployment({ requirements: { minimumAgentVersion: 'latest' } }), [
    'spec.requirements.minimumAgentVersion',
    invalid,
  ]),

  accepted('replicas without a mode, which is Replicas then', placement({ replicas: 2 })),
  accepted('every device', placement({ mode: 'EveryDevice' })),
  rejected('replicas on every device', placement({ mode: 'EveryDevice', replicas: 2 }), ['spec.placement.replicas', forbidden]),
  rejected('fewer than no replicas', placement({ replicas: -1 }), ['spec.placement.replicas', invalid]),
  rejected('half a replica', placement({ replicas: 0.5 }), ['spec.placement.replicas', 'FieldValueTypeInvalid']),
  rejected('one class name twice', placement({ deviceClassNames: ['a', 'a'] }), [
    'spec.placement.deviceClassNames[1]',
    duplicate,
  ]),
  rejected('more class names than fit', placement({ deviceClassNames: Array.from({ length: 33 }, (_, i) => `c${i}`) }), [
    'spec.placement.deviceClassNames',
    tooMany,
  ]),
  accepted('an expression on a label', placement({ deviceSelector: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } })),
  rejected('In without values', placement({ deviceSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }), [
    'spec.placement.deviceSelector.matchExpressions[0].values',
    invalid,
  ]),
  rejected(
    'Exists with values',
    placement({ deviceSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } }),
    ['spec.placement.deviceSelector.matchExpressions[0].values', invalid],
  ),
  accepted('a toleration of every taint', placement({ tolerations: [{ operator: 'Exists' }] })),
  rejected('a toleration of nothing', placement({ tolerations: [{ value: 'a' }] }), [
    'spec.placement.tolerations[0].key',
    required,
  ]),
  rejected('a toleration that exists with a value', placement({ tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] }), [
    'spec.placement.tolerations[0].value',
    forbidden,
  ]),

  accepted('an upstream with a name', deployment({ runtime: { engine: 'OpenInferenceUpstream', upstreamName: 'triton' } })),
  rejected('an upstream without a name', deployment({ runtime: { engine: 'OpenInferenceUpstream' } }), [
    'spec.runtime.upstreamName',
    invalid,
  ]),
  rejected('a name of an upstream that is not used', deployment({ runtime: { upstreamName: 'triton' } }), [
    'spec.runtime.upstreamName',
    invalid,
  ]),
  rejected('MQTT without a broker', deployment({ serving: { mqtt: {} } }), ['spec.serving.mqtt.brokerName', required]),

  accepted('steps that go up', steps({ devices: 1, pauseSeconds: 300 }, { percent: 25, gate: 'Manual' }, { percent: 100 })),
  accepted('no steps', steps()),
  rejected('a step both ways', steps({ devices: 1, percent: 10 }, { percent: 100 }), ['spec.rollout.steps[0].percent', invalid]),
  rejected('a step to nowhere', steps({ pauseSeconds: 1 }, { percent: 100 }), ['spec.rollout.steps[0].percent', invalid]),
  rejected('percent that goes down', steps({ percent: 50 }, { percent: 25 }, { percent: 100 }), ['spec.rollout.steps', invalid]),
  rejected('devices that go down', steps({ devices: 5 }, { devices: 2 }, { percent: 100 }), ['spec.rollout.steps', invalid]),
  rejected('devices after percent', steps({ percent: 5 }, { devices: 2 }, { percent: 100 }), ['spec.rollout.steps', invalid]),
  rejected('an end before every device', steps({ percent: 25 }, { percent: 50 }), ['spec.rollout.steps', invalid]),
  rejected('an end that counts devices', steps({ devices: 5 }), ['spec.rollout.steps', invalid]),
  rejected('a step to nobody', steps({ percent: 0 }, { percent: 100 }), ['spec.rollout.steps[0].percent', invalid]),
  rejected(
    'an experiment with itself',
    deployment({ rollout: { experiment: { baselineModelVersionName: 'a', challengerModelVersionName: 'a' } } }),
    ['spec.rollout.experiment.challengerModelVersionName', invalid],
  ),
];
