// The manifests on a real cluster: who joins, who is refused, and that the rules allow what the controller and agents do and no more.
import { X509Certificate } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCertificateRequest, createDeviceKey } from '../../../agent/identity/certificate-request.ts';
import { connectionOf, type DeviceIdentity } from '../../../agent/identity/device-identity.ts';
import { joinFleet, renewIdentity } from '../../../agent/identity/join.ts';
import type { AgentReadiness } from '../../../agent/options.ts';
import { runAgent } from '../../../agent/run.ts';
import { mintJoinToken } from '../../../controller/device-port/join-tokens.ts';
import { signClientCertificate } from '../../../controller/device-port/sign.ts';
import type { RunningController } from '../../../controller/run.ts';
import { digestOf } from '../../../crds/digest.ts';
import { decodeJoinToken, encodeJoinToken } from '../../../crds/join.ts';
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import { agentsNamespace, devicePortConfigMap, devicesNamespace, systemNamespace } from '../../../crds/names.ts';
import { edgeDevices, fleetRepositories, modelDeployments, modelInstances, modelVersions } from '../../../crds/resources.ts';
import {
  certificateSigningRequests,
  configMaps,
  controllerRevisions,
  events,
  leases,
  namespaces,
  nodes,
} from '../../../kube/api/builtins.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import type { KubeObject, Stored } from '../../../kube/api/objects.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { controllerReference } from '../../../kube/meta/owner-reference.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { createEventRecorder } from '../../../kube/runtime/event-recorder.ts';
import { findProgram } from '../../support/clients/available.ts';
import { runCommand } from '../../support/clients/command.ts';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { eventually } from '../../support/eventually.ts';
import { permissionsNeededBy } from '../../support/installation/audit-log.ts';
import { type InstalledCluster, startInstalledCluster } from '../../support/installation/installed-cluster.ts';
import { manifestsFolder, resourceOf } from '../../support/installation/manifests.ts';
import { bindingOf, type Pod, pods } from '../../support/installation/pods.ts';
import { compareRules, permissionsOf } from '../../support/installation/rules.ts';

const signal = AbortSignal.timeout(500_000);
const kubectl = await findProgram('kubectl', ['version', '--client']);
const root = path.join(import.meta.dirname, '../../..');
const factory = 'factory';

describe.skipIf(sharedControlPlane() === undefined)('an installation on a cluster', () => {
  let cluster: InstalledCluster;
  let controller: RunningController & { stop(): Promise<void> };
  let token: string;
  let agentPod: Stored<Pod>;

  const jouleops = (...args: string[]) =>
    runCommand(process.execPath, ['--no-warnings', path.join(root, 'cli/jouleops.ts'), ...args], {
      environment: { KUBECONFIG: cluster.plane.kubeconfigPath },
    });
  const joinAs = (name: string, value = token) => joinFleet({ name, source: { kind: 'JoinToken', token: value } }, signal);
  const joinAsPod = async (name: string, value: string) => {
    const tokenFile = path.join(cluster.folder, 'pod-token');
    const certificateAuthorityFile = path.join(cluster.folder, 'device-port-ca');
    await writeFile(tokenFile, value);
    const published = await cluster.admin.get(
      configMaps,
      { namespace: agentsNamespace, name: devicePortConfigMap.name },
      { signal },
    );
    await writeFile(certificateAuthorityFile, published.data?.[devicePortConfigMap.keys.certificateAuthority] ?? '');
    const url = published.data?.[devicePortConfigMap.keys.url] ?? '';
    return joinFleet({ name, source: { kind: 'ServiceAccountToken', tokenFile, url, certificateAuthorityFile } }, signal);
  };
  const podOf = (namespace: string) =>
    eventually(async () => {
      const { items } = await cluster.admin.list(pods, { namespace, signal });
      if (!items[0]) throw new Error(`no pod in ${namespace}`);
      return items[0];
    }, 60);

  beforeAll(async () => {
    cluster = await startInstalledCluster();
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1', labels: { 'jouleops.dev/agent': 'true' } } };
    await cluster.admin.create(nodes, node, { signal });
    await cluster.admin.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: factory } }, { signal });
    const modelStoreDirectory = path.join(cluster.folder, 'models');
    await mkdir(modelStoreDirectory);
    for (const file of ['classifier.onnx', 'classifier-2.onnx'])
      await copyFile(path.join(root, 'test/integration/agent/fixtures', file), path.join(modelStoreDirectory, file));
    // Twice, on two ports: the address that the cluster was told of is corrected.
    await (await cluster.startController()).stop();
    controller = await cluster.startController({ modelStoreDirectory });
    token = (await jouleops('device', 'token', '--valid', '1h')).stdout.trim();
  });
  afterAll(async () => {
    await controller.stop();
    await cluster.stop();
  });

  describe('the manifests', () => {
    it('make a controller that the restricted level of Pod Security lets in', async () => {
      const pod = await podOf(systemNamespace);
      expect(pod.spec.serviceAccountName).toBe('jouleops-controller');
    });

    it('make an agent on a labelled node, with every restriction that its container can keep', async () => {
      agentPod = await podOf(agentsNamespace);
      expect(agentPod.spec.serviceAccountName).toBe('jouleops-agent');
      expect(agentPod.spec.containers[0]?.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      const { serviceAccount: _, ...spec } = { ...agentPod.spec, serviceAccountName: 'default' };
      const elsewhere = { ...agentPod, metadata: { name: 'agent', namespace: systemNamespace }, spec };
      await expect(cluster.admin.create(pods, elsewhere, { signal, dryRun: true })).rejects.toMatchObject({
        status: 403,
        message: expect.stringContaining('violates PodSecurity "restricted'),
      });
    });

    it.skipIf(kubectl === undefined)('are what kubectl apply -k takes, examples included', async () => {
      const environment = { KUBECONFIG: cluster.plane.kubeconfigPath };
      const apply = ['apply', '--dry-run=server', '--validate=strict', '--server-side', '--force-conflicts'];
      const install = await runCommand('kubectl', [...apply, '-k', path.join(manifestsFolder, 'install')], { environment });
      expect(install).toMatchObject({ code: 0, stderr: '' });
      expect(install.stdout.trim().split('\n')).toHaveLength(cluster.manifests.length);
      const examples = path.join(manifestsFolder, 'examples');
      const first = path.join(examples, '00-namespace.yaml');
      const namespace = await runCommand('kubectl', ['apply', '--server-side', '-f', first], { environment });
      expect(namespace).toMatchObject({ code: 0 });
      expect(await runCommand('kubectl', [...apply, '-f', examples], { environment })).toMatchObject({ code: 0, stderr: '' });
    });
  });

  describe('joining', () => {
    let first: DeviceIdentity;

    it('with a token ends in a certificate that the cluster signed, for that name and thirty days at most', async () => {
      first = await joinAs('board-1');
      const certificate = new X509Certificate(first.certificate);
      expect(certificate.verify(new X509Certificate(cluster.plane.clientAuthority.certificatePem).publicKey)).toBe(true);
      expect(certificate.subject.split('\n').sort()).toEqual(['CN=jouleops:device:board-1', 'O=jouleops:devices']);
      const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000;
      expect(days).toBeGreaterThan(0);
      expect(days).toBeLessThan(30.1);
    });

    it('leaves a device, its Lease, and no certificate request behind', async () => {
      const device = await cluster.admin.get(edgeDevices, { name: 'board-1' }, { signal });
      expect(device.metadata.uid).toBe(first.deviceUid);
      const lease = await cluster.admin.get(leases, { namespace: devicesNamespace, name: 'board-1' }, { signal });
      expect(lease.metadata.ownerReferences).toMatchObject([{ kind: 'EdgeDevice', uid: first.deviceUid }]);
      const { items } = await cluster.admin.list(certificateSigningRequests, { signal });
      expect(items.map((item) => item.metadata.name)).toEqual([]);
    });

    it('refuses a token with a wrong secret, of an unknown id, and an expired one', async () => {
      const good = decodeJoinToken(token);
      const wrong = encodeJoinToken({ ...good, secret: `${good.secret.slice(1)}A` });
      await expect(joinAs('board-x', wrong)).rejects.toMatchObject({ reason: 'InvalidToken', retry: false });
      const unknown = encodeJoinToken({ ...good, id: '0123456789abcdef' });
      await expect(joinAs('board-x', unknown)).rejects.toMatchObject({ reason: 'InvalidToken' });
      const yesterday = { ...systemClock, now: () => systemClock.now() - 86_400_000 };
      const order = { namespace: systemNamespace, url: good.url, caFingerprint: good.caFingerprint, validSeconds: 3600 };
      const old = await mintJoinToken({ client: cluster.admin, clock: yesterday }, order, signal);
      await expect(joinAs('board-x', old)).rejects.toMatchObject({ reason: 'ExpiredToken' });
      // Its own words do not lengthen it.
      const stretched = encodeJoinToken({ ...decodeJoinToken(old), expires: good.expires });
      await expect(joinAs('board-x', stretched)).rejects.toMatchObject({ reason: 'ExpiredToken' });
      await expect(cluster.admin.get(edgeDevices, { name: 'board-x' }, { signal })).rejects.toMatchObject({ status: 404 });
    });

    it('does not talk to a controller of another fingerprint', async () => {
      const elsewhere = encodeJoinToken({ ...decodeJoinToken(token), caFingerprint: 'a'.repeat(64) });
      await expect(joinAs('board-x', elsewhere)).rejects.toThrow(/does not present the CA that the join token names/);
    });

    it('refuses a second board of the same name, until somebody resets the device', async () => {
      await expect(joinAs('board-1')).rejects.toMatchObject({ reason: 'NameTaken', retry: false });
      expect((await jouleops('device', 'reset', 'board-1')).code).toBe(0);
      const second = await joinAs('board-1');
      expect(second.deviceUid).toBe(first.deviceUid);
      // The first board's certificate is still good, but not for a new one.
      await expect(renewIdentity(first, signal)).rejects.toMatchObject({ reason: 'InvalidToken' });
      first = second;
    });

    it('renews a certificate with a new key by the old certificate, and never again by that', async () => {
      const renewed = await renewIdentity(first, signal);
      expect(renewed.key).not.toBe(first.key);
      const client = createClient(connectionOf(renewed));
      const { items } = await client.list(edgeDevices, { fieldSelector: 'metadata.name=board-1', signal });
      expect(items).toHaveLength(1);
      await client.close();
      await expect(renewIdentity(first, signal)).rejects.toMatchObject({ reason: 'InvalidToken' });
      await renewIdentity(renewed, signal);
    });

    it('does not renew one device by the certificate of another', async () => {
      const other = await joinAs('board-2');
      await expect(renewIdentity({ ...other, name: 'board-1' }, signal)).rejects.toMatchObject({ reason: 'InvalidToken' });
    });

    it('takes over the Lease of an earlier device of that name', async () => {
      const key = { namespace: devicesNamespace, name: 'board-3' };
      await cluster.admin.create(leases, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key }, { signal });
      const { deviceUid } = await joinAs('board-3');
      expect((await cluster.admin.get(leases, key, { signal })).metadata.ownerReferences).toMatchObject([{ uid: deviceUid }]);
    });

    it('as a pod: the token of the agents’ account, bound to a pod on that node, is enough', async () => {
      const { path: at, body } = bindingOf(agentPod, 'node-1');
      await cluster.admin.raw('POST', at, { body, signal });
      const { name, uid } = agentPod.metadata;
      const order = { namespace: agentsNamespace, account: 'jouleops-agent', audience: 'jouleops', pod: { name, uid } };
      const podToken = await cluster.requestToken(order);
      await expect(joinAsPod('node-2', podToken)).rejects.toMatchObject({
        message: expect.stringContaining('belongs to node node-1'),
      });
      const identity = await joinAsPod('node-1', podToken);
      expect(new X509Certificate(identity.certificate).subject).toContain('CN=jouleops:device:node-1');
      const { audience: _, ...forTheServer } = order;
      await expect(joinAsPod('node-1', await cluster.requestToken(forTheServer))).rejects.toMatchObject({
        reason: 'InvalidToken',
      });
      const { pod: _pod, ...unbound } = order;
      await expect(joinAsPod('node-1', await cluster.requestToken(unbound))).rejects.toMatchObject({
        message: expect.stringContaining('belongs to node (none)'),
      });
    });

    it('as a pod: no other account on the node speaks for it', async () => {
      const stranger: Pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'stranger', namespace: factory },
        spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'none' }] },
      };
      const { name, uid } = (await eventually(() => cluster.admin.create(pods, stranger, { signal }))).metadata;
      const order = { namespace: factory, account: 'default', audience: 'jouleops', pod: { name, uid } };
      await expect(joinAsPod('node-1', await cluster.requestToken(order))).rejects.toMatchObject({
        reason: 'InvalidToken',
        message: expect.stringContaining('system:serviceaccount:factory:default'),
      });
    });
  });

  describe('the whole loop under these rules', () => {
    const running: { stop: AbortController; done: Promise<void> }[] = [];
    afterAll(async () => {
      for (const { stop } of running) stop.abort();
      await Promise.all(running.map(({ done }) => done));
    });

    async function startAgent(name: string): Promise<AgentReadiness> {
      const stop = new AbortController();
      const ready = Promise.withResolvers<AgentReadiness>();
      const options = {
        name,
        dataDirectory: path.join(cluster.folder, name),
        join: { kind: 'JoinToken', token } as const,
        simulate: 'raspberry-pi-5',
        windowSeconds: 0.3,
        heartbeatSeconds: 1,
      };
      const logger = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
      const done = runAgent(options, { logger, onReady: ready.resolve }, stop.signal);
      done.catch(ready.reject);
      running.push({ stop, done });
      return ready.promise;
    }
    const deploy = (spec: Partial<ModelDeployment['spec']>) =>
      cluster.admin.apply(
        modelDeployments,
        { metadata: { namespace: factory, name: 'states' }, spec },
        { fieldManager: 'person', signal },
      );
    const spec = (modelVersionName: string, replicas = 1) => ({
      modelVersionName,
      revisionHistoryLimit: 1,
      budget: { energyPerInference: '20J', boundary: 'Board' as const },
      placement: { mode: 'Replicas' as const, replicas, deviceClassNames: ['raspberry-pi-5-simulated'] },
      // Nobody asks these models anything: the test on live requests need not wait long for them.
      rollout: { analysis: { windowSeconds: 1 } },
    });
    const isReady = (generation: number | undefined, seconds = 60) =>
      eventually(async () => {
        const { status } = await cluster.admin.get(modelDeployments, { namespace: factory, name: 'states' }, { signal });
        const condition = findCondition(status?.conditions, 'Ready');
        expect(condition, JSON.stringify(status, undefined, 1)).toMatchObject({ status: 'True', observedGeneration: generation });
      }, seconds);

    it('serves a model on a device that joined', async () => {
      const { url } = await startAgent('pi-1');
      for (const [version, file] of [
        ['1.0.0', 'classifier.onnx'],
        ['2.0.0', 'classifier-2.onnx'],
      ] as const) {
        const digest = digestOf(await readFile(path.join(root, 'test/integration/agent/fixtures', file)));
        const variants = [{ name: 'fp32', digest, sources: [{ uri: `store://${file}` }] }];
        const metadata = { namespace: factory, name: `states-${version.slice(0, 1)}` };
        await cluster.admin.apply(
          modelVersions,
          { metadata, spec: { family: 'states', version, variants } },
          { fieldManager: 'person', signal },
        );
      }
      const { metadata } = await deploy(spec('states-1'));
      await isReady(metadata.generation);
      const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] });
      // Ready is said when the revision is promoted; its agent hears of that a moment later.
      await eventually(async () => {
        const answer = await fetch(`${url}/v2/models/states/infer`, { method: 'POST', body });
        expect(answer.status, await answer.text()).toBe(200);
      });
    });

    it('moves to another version and forgets old revisions', async () => {
      for (const version of ['states-2', 'states-1', 'states-2'])
        await isReady((await deploy(spec(version))).metadata.generation);
      const { metadata } = await deploy({ ...spec('states-1'), runtime: { threads: 2 } });
      await isReady(metadata.generation);
      await eventually(async () => {
        const { items } = await cluster.admin.list(controllerRevisions, { namespace: factory, signal });
        expect(items.length).toBeLessThan(4);
      });
    });

    it('takes a model away where it is no longer wanted', async () => {
      await deploy(spec('states-1', 0));
      await eventually(async () => {
        expect((await cluster.admin.list(modelInstances, { namespace: factory, signal })).items).toEqual([]);
      }, 30);
    });

    it('says of a fleet repository what became of it, and answers the web API', async () => {
      const key = { namespace: factory, name: 'fleet' };
      await cluster.admin.apply(
        fleetRepositories,
        { metadata: key, spec: { path: '/srv/fleet' } },
        { fieldManager: 'person', signal },
      );
      await eventually(async () => {
        const { status } = await cluster.admin.get(fleetRepositories, key, { signal });
        expect(findCondition(status?.conditions, 'Ready')?.status).toBe('False');
      });
      const answer = await fetch(`${controller.webUrl}/api/events`);
      expect(answer.status).toBe(200);
      expect(((await answer.json()) as { items: unknown[] }).items.length).toBeGreaterThan(0);
    });

    it('counts events that repeat', async () => {
      const client = createClient(cluster.controllerConnection);
      const recorder = createEventRecorder(
        { client, clock: systemClock, logger: pino({ level: 'silent' }) },
        {
          controller: 'jouleops.dev/controller',
          instance: 'test',
        },
      );
      const regarding = await cluster.admin.get(edgeDevices, { name: 'pi-1' }, { signal });
      const event = { regarding, type: 'Normal' as const, reason: 'Repeated', action: 'Test', note: 'the same' };
      const stored = async () =>
        (await cluster.admin.list(events, { namespace: 'default', signal })).items.find(({ reason }) => reason === 'Repeated');
      recorder.publish(event);
      await eventually(async () => expect(await stored()).toBeDefined());
      recorder.publish(event);
      await recorder.close();
      expect((await stored())?.series?.count).toBe(2);
      await client.close();
    });
  });

  describe('the rules', () => {
    const calls = async (isOf: (user: { username: string; groups?: string[] }) => boolean) =>
      (await cluster.auditLog()).filter(({ user, objectRef }) => isOf(user) && objectRef !== undefined);

    it('allow the controller what it does, and nothing that it does not do', async () => {
      const seen = await calls(({ username }) => username === 'system:serviceaccount:jouleops-system:jouleops-controller');
      expect(seen.filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([]);
      const objects = cluster.manifests.map(({ object }) => object);
      const account = { kind: 'ServiceAccount', name: 'jouleops-controller', namespace: systemNamespace } as const;
      const { missing, unused } = compareRules(permissionsOf(objects, account), seen.flatMap(permissionsNeededBy));
      expect(missing).toEqual([]);
      // These two are asked for inside another call; the next test shows that they are needed.
      expect(unused).toEqual([
        'approve signers.certificates.k8s.io kubernetes.io/kube-apiserver-client',
        'update modeldeployments/finalizers.jouleops.dev',
      ]);
    });

    it('need what is asked for inside other calls: the owner of an instance, the signer of a certificate', async () => {
      const hidden = ['modeldeployments/finalizers', 'signers'];
      const role = cluster.manifests.map(({ object }) => object as RoleObject).find(isControllerRole);
      const rules = role?.rules.filter(({ resources }) => !hidden.some((one) => resources.includes(one))) ?? [];
      const almost = { ...role, metadata: { name: 'almost' }, rules } as RoleObject;
      const binding = {
        apiVersion: almost.apiVersion,
        kind: 'ClusterRoleBinding',
        metadata: { name: 'almost' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'almost' },
        subjects: [{ kind: 'User', name: 'almost' }],
      };
      for (const object of [almost, binding])
        await cluster.admin.apply(resourceOf(object), object, { fieldManager: 'test', signal });
      const { server, certificateAuthority = '' } = cluster.plane.connection;
      const { certificatePem, keyPem } = await cluster.plane.clientAuthority.issueClient('almost', []);
      const client = createClient({ server, certificateAuthority, clientCertificate: certificatePem, clientKey: keyPem });
      const key = createDeviceKey();
      await expect(
        signClientCertificate({ client, clock: systemClock }, 'board-9', createCertificateRequest('board-9', key), signal),
      ).rejects.toMatchObject({
        status: 403,
        message: expect.stringContaining('not permitted to approve requests with signerName'),
      });
      const owner = await cluster.admin.get(modelDeployments, { namespace: factory, name: 'states' }, { signal });
      const ownerReferences = [controllerReference(owner, modelDeployments)];
      const instance = {
        apiVersion: 'jouleops.dev/v1alpha1',
        kind: 'ModelInstance',
        metadata: { namespace: factory, name: 'owned', ownerReferences },
        spec: { deviceName: 'pi-1', deploymentName: 'states', deploymentUid: owner.metadata.uid },
      };
      await expect(client.create(modelInstances, instance, { signal })).rejects.toMatchObject({
        status: 403,
        message: expect.stringContaining('cannot set blockOwnerDeletion'),
      });
      await client.close();
    });

    it('allow devices what they do, and nothing that they do not do', async () => {
      const seen = await calls(({ groups = [] }) => groups.includes('jouleops:devices'));
      expect(seen.filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([]);
      const objects = cluster.manifests.map(({ object }) => object);
      const group = { kind: 'Group', name: 'jouleops:devices' } as const;
      const { missing, unused } = compareRules(permissionsOf(objects, group), seen.flatMap(permissionsNeededBy));
      expect({ missing, unused }).toEqual({ missing: [], unused: [] });
    });
  });
});

type RoleObject = KubeObject & { rules: { resources: string[] }[] };
const isControllerRole = ({ kind, metadata }: RoleObject) => kind === 'ClusterRole' && metadata.name === 'jouleops-controller';
