import {
  deviceClass,
  digestOf,
  edgeDevice,
  fleetRepository as fleet,
  modelInstance,
  modelVersion,
  slot,
  trainingRun,
  variant,
} from './objects.ts';
import {
  accepted,
  change,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  type RuleCase,
  rejected,
  required,
  tooLong,
} from './rule-case.ts';

const from = (uri: string) => modelVersion({ variants: [variant({ sources: [{ uri }] })] });
const sourceField = 'spec.variants[0].sources[0].uri';
const external = (path: string, letter = 'b') => ({ path, digest: digestOf(letter), sources: [{ uri: 'https://a.example/b' }] });
const golden = (letter: string, minimumPermille = 950) => ({
  digest: digestOf(letter),
  sources: [{ uri: 'store://a/golden.jsonl.gz' }],
  minimumPermille,
});
const two = [variant(), variant({ name: 'int8', digest: digestOf('b') })];

const versionCases: RuleCase[] = [
  accepted('a model version', modelVersion()),
  rejected('a version without variants', modelVersion({ variants: [] }), ['spec.variants', invalid]),
  rejected('one variant name twice', modelVersion({ variants: [variant(), variant()] }), ['spec.variants[1]', duplicate]),
  rejected('a digest that is none', modelVersion({ variants: [variant({ digest: 'sha256:abc' })] }), [
    'spec.variants[0].digest',
    invalid,
  ]),
  rejected('a variant without a source', modelVersion({ variants: [variant({ sources: [] })] }), [
    'spec.variants[0].sources',
    invalid,
  ]),
  accepted('https', from('https://models.example.org/a/model.onnx')),
  accepted('a commit on a model hub', from(`hf://owner/repository@${'0'.repeat(40)}/onnx/model.onnx`)),
  rejected('a branch on a model hub, which moves', from('hf://owner/repository@main/onnx/model.onnx'), [sourceField, invalid]),
  rejected('plain http', from('http://models.example.org/a.onnx'), [sourceField, invalid]),
  rejected('a file of the controller', from('file:///etc/passwd'), [sourceField, invalid]),
  rejected('a way out of the model store', from('store://../../etc/passwd'), [sourceField, invalid]),
  rejected('a password in the address', from('https://user:secret@models.example.org/a.onnx'), [sourceField, invalid]),
  rejected('external data above the graph', modelVersion({ variants: [variant({ externalData: [external('../weights')] })] }), [
    'spec.variants[0].externalData[0].path',
    invalid,
  ]),

  change(
    'sources and accuracies may change',
    modelVersion(),
    modelVersion({
      variants: [variant({ sources: [{ uri: 'https://mirror.example.org/model.onnx' }], declaredAccuracyPermille: 990 })],
    }),
  ),
  change('variants may change places', modelVersion({ variants: two }), modelVersion({ variants: two.toReversed() })),
  change('family may not change', modelVersion(), modelVersion({ family: 'other' }), ['spec.family', invalid]),
  change('version may not change', modelVersion(), modelVersion({ version: '2.0.1' }), ['spec.version', invalid]),
  change('class labels may not come', modelVersion(), modelVersion({ classLabels: ['a'] }), ['spec.classLabels', invalid]),
  change('class labels may not go', modelVersion({ classLabels: ['a'] }), modelVersion(), ['spec.classLabels', invalid]),
  change(
    'class labels may not change places',
    modelVersion({ classLabels: ['a', 'b'] }),
    modelVersion({ classLabels: ['b', 'a'] }),
    ['spec.classLabels', invalid],
  ),
  change('a digest may not change', modelVersion(), modelVersion({ variants: [variant({ digest: digestOf('c') })] }), [
    'spec.variants',
    invalid,
  ]),
  change('a variant may not get another name', modelVersion(), modelVersion({ variants: [variant({ name: 'fp16' })] }), [
    'spec.variants',
    invalid,
  ]),
  change('a variant may not come', modelVersion(), modelVersion({ variants: two }), ['spec.variants', invalid]),
  change('a variant may not go', modelVersion({ variants: two }), modelVersion(), ['spec.variants', invalid]),
  change(
    'the bytes beside the graph may not change',
    modelVersion({ variants: [variant({ externalData: [external('weights')] })] }),
    modelVersion({ variants: [variant({ externalData: [external('weights', 'c')] })] }),
    ['spec.variants[0].externalData', invalid],
  ),
  change(
    'the least score of the golden set may change',
    modelVersion({ goldenSet: golden('c') }),
    modelVersion({ goldenSet: golden('c', 900) }),
  ),
  change('the golden set may not change', modelVersion({ goldenSet: golden('c') }), modelVersion({ goldenSet: golden('d') }), [
    'spec.goldenSet',
    invalid,
  ]),
  change('the golden set may not go', modelVersion({ goldenSet: golden('c') }), modelVersion(), ['spec.goldenSet', invalid]),
];

const instanceCases: RuleCase[] = [
  accepted('an instance', modelInstance()),
  accepted('three slots', modelInstance({ candidate: slot(), previous: slot(), candidateSharePercent: 10 })),
  accepted('a slot with a budget of one class', modelInstance({ active: slot({ budget: { confidencePercent: 90 } }) })),
  rejected('a slot without a digest', modelInstance({ active: slot({ digest: undefined }) }), ['spec.active.digest', required]),
  change('the device may not change', modelInstance(), modelInstance({ deviceName: 'pi5-b' }), ['spec.deviceName', invalid]),
  change('slots may change', modelInstance(), modelInstance({ active: slot({ revision: 'machine-state-2222' }) })),
];

const deviceCases: RuleCase[] = [
  accepted('an empty device', edgeDevice()),
  accepted('a device without a spec', { ...edgeDevice(), spec: undefined }),
  rejected('a name too long for a label', edgeDevice({}, 'a'.repeat(64)), ['metadata.name', tooLong]),
  rejected('a cap without a unit', edgeDevice({ powerCap: '6' }), ['spec.powerCap', invalid]),
  accepted(
    'one taint key with both effects',
    edgeDevice({
      taints: [
        { key: 'a', effect: 'NoPlacement' },
        { key: 'a', effect: 'NoServing' },
      ],
    }),
  ),
  rejected(
    'one taint twice',
    edgeDevice({
      taints: [
        { key: 'a', effect: 'NoServing' },
        { key: 'a', effect: 'NoServing', value: 'b' },
      ],
    }),
    ['spec.taints[1]', duplicate],
  ),
  accepted(
    'a night',
    edgeDevice({ maintenanceWindows: [{ schedule: '0 2 * * 1-5', durationMinutes: 120, timeZone: 'Europe/Vienna' }] }),
  ),
  rejected('a schedule with six fields', edgeDevice({ maintenanceWindows: [{ schedule: '0 0 2 * * *', durationMinutes: 1 }] }), [
    'spec.maintenanceWindows[0].schedule',
    invalid,
  ]),
  accepted('a class', deviceClass({ idlePower: [{ boundary: 'Board', value: '2.6W', source: 'a', date: '2026-01-31' }] })),
  rejected(
    'a date that is none',
    deviceClass({ idlePower: [{ boundary: 'Board', value: '2.6W', source: 'a', date: 'today' }] }),
    ['spec.idlePower[0].date', invalid],
  ),
];

const fleetCases: RuleCase[] = [
  accepted('a repository', fleet()),
  accepted('a repository on this machine', fleet({ url: 'file:///srv/fleet.git' })),
  accepted('over ssh', fleet({ url: 'ssh://git@git.example.org/fleet.git', ref: { branch: 'main' } })),
  accepted('a directory', fleet({ path: '/srv/fleet' })),
  rejected('neither repository nor directory', fleet({}), ['spec.url', invalid]),
  rejected('both', fleet({ url: 'https://git.example.org/a', path: '/srv' }), ['spec.url', invalid]),
  rejected('plain http', fleet({ url: 'http://git.example.org/a' }), ['spec.url', invalid]),
  rejected('a local command', fleet({ url: 'ext::sh -c id' }), ['spec.url', invalid]),
  rejected('a password in the address', fleet({ url: 'https://user:secret@git.example.org/a' }), ['spec.url', invalid]),
  rejected('a revision of a directory', fleet({ path: '/srv', ref: { branch: 'main' } }), ['spec.ref', forbidden]),
  rejected('a branch and a tag', fleet({ url: 'https://git.example.org/a', ref: { branch: 'main', tag: 'v1' } }), [
    'spec.ref.commit',
    invalid,
  ]),
  rejected(
    'a branch that git would take for an option',
    fleet({ url: 'https://git.example.org/a', ref: { branch: '--upload-pack' } }),
    ['spec.ref.branch', invalid],
  ),
  rejected('every second', fleet({ url: 'https://git.example.org/a', intervalSeconds: 1 }), ['spec.intervalSeconds', invalid]),
  rejected('a way out of the repository', fleet({ url: 'https://git.example.org/a', directory: '../other' }), [
    'spec.directory',
    invalid,
  ]),
];

const trainingCases: RuleCase[] = [
  accepted('a training run', trainingRun()),
  rejected('an unknown mode', trainingRun({ mode: 'Guess' }), ['spec.mode', notSupported]),
  rejected('nothing to run', trainingRun({ command: undefined }), ['spec.image', required]),
  rejected('fine-tuning of nothing', trainingRun({ mode: 'FineTune' }), ['spec.baseModelVersionName', required]),
];

export const otherCases: RuleCase[] = [...versionCases, ...instanceCases, ...deviceCases, ...fleetCases, ...trainingCases];
