import {
  ApiException,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectClaims } from '../../support/callers/claims.ts';
import { type CallRecorder, recordCalls } from '../../support/callers/recorded-call.ts';
import { type ServedKubeconfig, startServedKubeconfig } from '../../support/clients/kubeconfig-file.ts';
import { eventually } from '../../support/eventually.ts';

const group = { group: 'jouleops.dev', version: 'v1alpha1' } as const;
const place = { ...group, namespace: 'default', plural: 'modeldeployments' } as const;
const path = '/apis/jouleops.dev/v1alpha1/namespaces/default/modeldeployments';

interface ModelDeployment extends KubernetesObject {
  spec: { modelVersionName: string; budget: { energyPerInference: string }; placement: { replicas: number }; priority?: number };
  status?: { observedGeneration: number };
}

function deployment(name: string, energy = '80mJ'): ModelDeployment {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace: 'default' },
    spec: { modelVersionName: 'machine-state-2', budget: { energyPerInference: energy }, placement: { replicas: 2 } },
  };
}

describe('@kubernetes/client-node against the embedded control plane', () => {
  let served: ServedKubeconfig;
  let recorder: CallRecorder;
  let config: KubeConfig;
  let custom: CustomObjectsApi;
  beforeAll(async () => {
    served = await startServedKubeconfig();
    recorder = recordCalls(served.server.port);
    config = new KubeConfig();
    config.loadFromFile(served.kubeconfigPath);
    custom = config.makeApiClient(CustomObjectsApi);
  });
  afterAll(() => {
    recorder.stop();
    return served.close();
  });

  test('an informer lists, then watches: added, updated, deleted, in order', async () => {
    await custom.createNamespacedCustomObject({ ...place, body: deployment('informed-before') });
    const list = async () => (await custom.listNamespacedCustomObject(place)) as KubernetesListObject<ModelDeployment>;
    const informer = makeInformer(config, path, list);
    const seen: string[] = [];
    for (const kind of ['add', 'update', 'delete'] as const) {
      informer.on(kind, (object) => seen.push(`${kind} ${object.metadata?.name}`));
    }
    await informer.start();
    await custom.createNamespacedCustomObject({ ...place, body: deployment('informed') });
    const patch = [{ op: 'add', path: '/spec/priority', value: 7 }];
    await custom.patchNamespacedCustomObject({ ...place, name: 'informed', body: patch });
    await custom.deleteNamespacedCustomObject({ ...place, name: 'informed' });
    await eventually(() => expect(seen).toEqual(['add informed-before', 'add informed', 'update informed', 'delete informed']));
    expect(informer.get('informed-before', 'default')?.spec.modelVersionName).toBe('machine-state-2');
    await informer.stop();
  });

  test('custom objects: JSON patch by default, merge patch when told, status apart', async () => {
    await custom.createNamespacedCustomObject({ ...place, body: deployment('patched') });
    const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
    const name = 'patched';
    await custom.patchNamespacedCustomObject({ ...place, name, body: { spec: { priority: 3 } } }, merge);
    const replace = [{ op: 'replace', path: '/spec/budget/energyPerInference', value: '70mJ' }];
    await custom.patchNamespacedCustomObject({ ...place, name, body: replace });
    const body = { status: { observedGeneration: 3 }, spec: { priority: 9 } };
    const written = (await custom.patchNamespacedCustomObjectStatus({ ...place, name, body }, merge)) as ModelDeployment;
    expect(written).toMatchObject({
      metadata: { generation: 3 },
      spec: { priority: 3, budget: { energyPerInference: '70mJ' } },
      status: { observedGeneration: 3 },
    });
  });

  test('the object API finds kinds by discovery and applies on the server', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const apply = (energy: string, manager: string, force: boolean) =>
      objects.patch(deployment('applied', energy), undefined, undefined, manager, force, PatchStrategy.ServerSideApply);
    await apply('80mJ', 'one', false);
    await expect(apply('70mJ', 'two', false)).rejects.toMatchObject({ code: 409 });
    const taken = await apply('70mJ', 'two', true);
    expect(taken.metadata?.managedFields?.map(({ manager }) => manager)).toEqual(['one', 'two']);
    expect(await objects.read({ ...deployment('applied'), metadata: { name: 'applied', namespace: 'default' } })).toMatchObject({
      spec: { budget: { energyPerInference: '70mJ' } },
    });
    const listed = await objects.list('jouleops.dev/v1alpha1', 'ModelDeployment', 'default');
    expect(listed.items.map((item) => item.metadata?.name)).toContain('applied');
  });

  test('typed kinds come with dates, and errors with the Status of the server', async () => {
    const core = config.makeApiClient(CoreV1Api);
    const body = { metadata: { name: 'settings' }, data: { a: '1' } };
    const created = await core.createNamespacedConfigMap({ namespace: 'default', body });
    expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
    const again = await core.createNamespacedConfigMap({ namespace: 'default', body }).catch((error: unknown) => error);
    expect(again).toBeInstanceOf(ApiException);
    expect(JSON.parse(String((again as ApiException<string>).body))).toMatchObject({ kind: 'Status', reason: 'AlreadyExists' });
    await expect(
      custom.createNamespacedCustomObject({ ...place, body: deployment('refused', '80 bananas') }),
    ).rejects.toMatchObject({ code: 422, body: expect.stringContaining('spec.budget.energyPerInference') });
  });

  test('calls what the embedded server has for it', () => expectClaims('client-node', recorder));
});
