import { createCertificateRequest, createDeviceKey } from '../../../../agent/identity/certificate-request.ts';
import type { Step } from '../../../support/clients/kubectl-script.ts';

const deployment = (budget: string, more = '') => `apiVersion: jouleops.dev/v1alpha1
kind: ModelDeployment
metadata: { name: machine-state, namespace: factory }
spec:
  modelVersionName: machine-state-2
  budget: { energyPerInference: ${budget}, boundary: Board }
  placement: { replicas: 2 }
${more}`;

export const files: Record<string, string> = {
  'fleet.yaml': `apiVersion: v1
kind: Namespace
metadata: { name: factory }
---
${deployment('80mJ')}---
apiVersion: jouleops.dev/v1alpha1
kind: EdgeDevice
metadata: { name: pi5-a, labels: { site: hall-1 } }
spec: { powerCap: 6W }
`,
  'dearer.yaml': deployment('90mJ'),
  'misspelt.yaml': deployment('90mJ', '  replicas: 2\n'),
  'bananas.yaml': deployment('80 bananas'),
};

const event = `apiVersion: events.k8s.io/v1
kind: Event
metadata: { name: machine-state.1, namespace: factory }
eventTime: $NOW
reportingController: jouleops.dev/controller
reportingInstance: tour
action: Admit
reason: BudgetExceededPredicted
type: Warning
note: "lower bound 91mJ > budget 80mJ"
regarding: { apiVersion: jouleops.dev/v1alpha1, kind: ModelDeployment, name: machine-state, namespace: factory, uid: $UID }
`;

const ready =
  '{"status":{"observedGeneration":6,"conditions":[{"type":"Ready","status":"True","reason":"Succeeded","message":"serves","lastTransitionTime":"2026-01-01T00:00:00Z","observedGeneration":6}]}}';
const here = '--namespace factory';

const certificateRequest = JSON.stringify({
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  metadata: { name: 'tour' },
  spec: {
    request: Buffer.from(createCertificateRequest('tour', createDeviceKey())).toString('base64'),
    signerName: 'kubernetes.io/kube-apiserver-client',
    usages: ['client auth'],
  },
});

const generated =
  '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"made-","namespace":"factory","labels":{"app":"made"}},"colour":"red"}';

export const steps: readonly Step[] = [
  { title: 'What there is', command: 'api-resources --api-group jouleops.dev' },
  { command: 'api-resources --api-group= --sort-by name' },
  { command: 'api-versions' },

  { title: 'Apply', command: 'apply -f fleet.yaml' },
  { command: 'apply -f fleet.yaml' },
  { command: `diff -f dearer.yaml` },
  { command: 'apply -f dearer.yaml --dry-run=server' },
  { command: 'apply -f dearer.yaml' },
  { command: 'apply -f misspelt.yaml' },
  { command: 'apply -f bananas.yaml' },

  { title: 'Server-side apply', command: 'apply --server-side -f fleet.yaml' },
  { command: 'apply --server-side --field-manager git -f dearer.yaml' },
  { command: 'apply --server-side --field-manager git --force-conflicts -f fleet.yaml' },
  { command: `get mdep machine-state ${here} --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}` },

  { title: 'Look', command: 'get mdep,edev -A' },
  { command: `get mdep ${here} -o wide` },
  { command: 'get edev -l site=hall-1 -o name' },
  { command: 'get edev -l site!=hall-1' },
  { command: `get mdep machine-state ${here} -o yaml` },
  { command: `get mdep nobody ${here}` },
  { command: 'get unicorns' },
  { command: `describe edev pi5-a` },

  { title: 'Explain', command: 'explain mdep.spec.budget.energyPerInference' },
  { command: 'explain mdep.spec.placement' },
  { command: 'explain edev.spec --recursive' },
  { command: 'explain configmap.immutable' },

  { title: 'Edit and patch', command: `edit mdep machine-state ${here}`, editor: 'sed -i s/80mJ/81mJ/' },
  { command: `edit mdep machine-state ${here}`, editor: 'true' },
  { command: `patch mdep machine-state ${here} --type merge -p '{"spec":{"placement":{"replicas":3}}}'` },
  { command: `patch mdep machine-state ${here} --type json -p '[{"op":"test","path":"/spec/priority","value":9}]'` },
  { command: `patch mdep machine-state ${here} --type json -p '[{"op":"add","path":"/spec/priority","value":7}]'` },
  { command: `label mdep machine-state ${here} tier=gold` },
  { command: `annotate mdep machine-state ${here} jouleops.dev/retry=r1` },
  { command: `get mdep machine-state ${here} -o 'jsonpath={.metadata.generation} {.metadata.labels} {.spec}'` },

  {
    title: 'Wait and watch',
    command: `wait mdep machine-state ${here} --for=condition=Ready --timeout=10s`,
    meanwhile: [`patch mdep machine-state ${here} --subresource status --type merge -p '${ready}'`],
  },
  { command: `wait mdep machine-state ${here} --for=condition=Stalled --timeout=1s` },
  { command: `get mdep ${here} --label-columns tier` },
  {
    command: `get mdep ${here} --watch --request-timeout=4s --no-headers -o custom-columns=NAME:.metadata.name,TIER:.metadata.labels.tier`,
    meanwhile: [
      `label mdep machine-state ${here} tier=silver --overwrite`,
      `label mdep machine-state ${here} tier=bronze --overwrite`,
    ],
  },

  { title: 'Events', command: `get mdep machine-state ${here} -o jsonpath={.metadata.uid}`, keepAs: 'UID' },
  { command: 'create -f -', input: event },
  { command: `describe mdep machine-state ${here}` },
  { command: `get events ${here} -o custom-columns=TYPE:.type,REASON:.reason,OBJECT:.regarding.name,MESSAGE:.message` },

  { title: 'Built-in kinds', command: `create configmap settings ${here} --from-literal=a=b` },
  { command: `create secret generic key ${here} --from-literal=a=b` },
  { command: `get configmap,secret ${here}` },
  { command: `create configmap settings ${here} --from-literal=a=c` },
  {
    command: `replace -f -`,
    input: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"factory"},"data":{"a":"d"}}',
  },
  { command: `get configmap settings ${here} -o jsonpath={.data}` },

  { command: `patch configmap settings ${here} -p '{"data":{"b":"e"}}'` },
  { command: `get configmap settings ${here} -o jsonpath={.data}` },

  { title: 'Select and sort', command: `label configmap settings ${here} app=web` },
  { command: `get configmap ${here} -l 'app in (web, api)' -o name` },
  { command: `get configmap ${here} -l 'app notin (api)' -o name` },
  { command: `get configmap ${here} -l app -o name` },
  { command: `get configmap ${here} -l '!app' -o name` },
  { command: `get configmap -A --field-selector metadata.namespace=factory,metadata.name!=other -o name` },
  { command: `get mdep ${here} --sort-by .metadata.name` },
  { command: `get trainingruns ${here}` },
  { command: `get mdep ${here} --watch --request-timeout=2s` },

  {
    title: 'How strict',
    command: `create -f - --dry-run=server --validate=ignore -o jsonpath={.metadata.generateName}`,
    input: generated,
  },
  { command: `create -f - --dry-run=server --validate=warn -o jsonpath={.metadata.generateName}`, input: generated },

  { title: 'Namespaces and liveness', command: 'create namespace line-2' },
  { command: 'delete namespace line-2' },
  { command: 'get --raw /livez' },
  { command: 'get --raw /readyz' },

  { title: 'Certificates', command: 'create -f -', input: certificateRequest },
  { command: 'certificate approve tour' },

  { title: 'Delete', command: `delete mdep machine-state ${here} --dry-run=server` },
  { command: `delete secret key ${here} --cascade=orphan` },
  { command: `delete configmap settings ${here} --cascade=foreground` },
  { command: `delete mdep machine-state ${here}` },
  { command: `delete mdep machine-state ${here}` },
  { command: `delete configmap --all ${here}` },
  { command: 'delete -f fleet.yaml --ignore-not-found' },
  { command: 'get ns factory' },
];
