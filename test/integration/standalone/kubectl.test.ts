// The commands that people type. kubectl is not a dependency: without it on the PATH the tour is skipped, and says so.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { controllerRevisions } from '../../../kube/api/builtins.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestServer, type TestServer } from '../../support/standalone.ts';

const signal = AbortSignal.timeout(120_000);

// Named once: it is a tool of the machine, not one of the packages.
const program = 'kubectl';

function hasKubectl(): boolean {
  try {
    execFileSync(program, ['version', '--client'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const available = hasKubectl();
if (!available) process.stderr.write('kubectl is not on the PATH: the kubectl tour is skipped\n');

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

describe.skipIf(!available)('kubectl', () => {
  let test: TestServer;
  let directory: string;

  beforeAll(async () => {
    test = await startTestServer();
    directory = await mkdtemp(join(tmpdir(), 'jouleops-kubectl-'));
    await writeFile(join(directory, 'kubeconfig'), test.server.kubeconfig(), { mode: 0o600 });
  });
  afterAll(async () => {
    await test.close();
    await rm(directory, { recursive: true, force: true });
  });

  function run(args: string[], options: { input?: object; environment?: Record<string, string> } = {}): Promise<Result> {
    const environment = { ...process.env, KUBECONFIG: join(directory, 'kubeconfig'), HOME: directory, ...options.environment };
    return new Promise((resolve) => {
      const child = execFile(program, args, { env: environment, timeout: 30_000 }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
      });
      child.stdin?.end(options.input === undefined ? '' : stringify(options.input));
    });
  }
  async function kubectl(args: string, options: Parameters<typeof run>[1] = {}): Promise<string> {
    const { code, stdout, stderr } = await run(args.split(' '), options);
    if (code !== 0) throw new Error(`kubectl ${args}: ${code}\n${stdout}${stderr}`);
    return stdout.trim();
  }

  const deployment = (name: string, budget = '80mJ') => ({
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace: 'default' },
    spec: {
      modelVersionName: 'machine-state-2',
      budget: { energyPerInference: budget, boundary: 'Board' },
      placement: { mode: 'Replicas', replicas: 2 },
    },
  });

  it('knows the resources, their short names and categories', async () => {
    const resources = await kubectl('api-resources --no-headers -o name');
    const wanted = [
      'modeldeployments.jouleops.dev',
      'edgedevices.jouleops.dev',
      'leases.coordination.k8s.io',
      'namespaces',
      'secrets',
    ];
    expect(resources.split('\n')).toEqual(expect.arrayContaining(wanted));
    expect(await kubectl('get mdep')).toBe('');
    expect(await kubectl('api-versions')).toContain('jouleops.dev/v1alpha1');
    expect(await kubectl('version')).toMatch(/Server Version: v1\.\d+\.\d+/);
  });

  it('applies, says when nothing changed, and applies again', async () => {
    expect(await kubectl('apply -f -', { input: deployment('applied') })).toBe('modeldeployment.jouleops.dev/applied created');
    expect(await kubectl('apply -f -', { input: deployment('applied') })).toBe('modeldeployment.jouleops.dev/applied unchanged');
    expect(await kubectl('apply -f -', { input: deployment('applied', '90mJ') })).toBe(
      'modeldeployment.jouleops.dev/applied configured',
    );
    expect(await kubectl('get mdep applied -o jsonpath={.spec.budget.energyPerInference}')).toBe('90mJ');
  });

  it('applies on the server, and names the manager that a field belongs to', async () => {
    const first = await kubectl('apply --server-side -f -', { input: deployment('served') });
    expect(first).toBe('modeldeployment.jouleops.dev/served serverside-applied');
    const other = await run(['apply', '--server-side', '--field-manager', 'other', '-f', '-'], {
      input: deployment('served', '70mJ'),
    });
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('conflict with "kubectl": .spec.budget.energyPerInference');
    await kubectl('apply --server-side --force-conflicts --field-manager other -f -', { input: deployment('served', '70mJ') });
    const managed = await kubectl('get mdep served -o yaml --show-managed-fields');
    expect(managed).toMatch(/manager: kubectl\n[\s\S]*manager: other\n/);
  });

  it('refuses an unknown field and an invalid value, with the path', async () => {
    const unknown = await run(['apply', '-f', '-'], {
      input: { ...deployment('refused'), spec: { ...deployment('x').spec, replicas: 2 } },
    });
    expect(unknown.stderr).toContain('unknown field "spec.replicas"');
    const invalid = await run(['apply', '-f', '-'], { input: deployment('refused', '80 bananas') });
    expect(invalid.stderr).toContain('spec.budget.energyPerInference');
    expect((await run(['get', 'mdep', 'refused'])).stderr).toContain('Error from server (NotFound)');
  });

  it('shows tables, wide ones, and YAML and JSON', async () => {
    await kubectl('apply -f -', { input: deployment('shown') });
    const [header = '', row = ''] = (await kubectl('get mdep shown')).split('\n');
    expect(header.split(/\s{2,}/)).toEqual([
      'NAME',
      'MODEL',
      'DESIRED',
      'READY DEVICES',
      'PREDICTED',
      'MEASURED',
      'BUDGET',
      'VERDICT',
      'READY',
      'AGE',
    ]);
    expect(row).toMatch(/^shown\s+machine-state-2\s+\d+s$/);
    expect((await kubectl('get mdep shown -o wide')).split('\n')).toHaveLength(2);
    expect(JSON.parse(await kubectl('get mdep shown -o json'))).toMatchObject({
      kind: 'ModelDeployment',
      metadata: { name: 'shown' },
    });
    expect(await kubectl('get mdep shown -o yaml')).toContain('modelVersionName: machine-state-2');
    expect(await kubectl('get mdep,cm -A --no-headers')).toContain('extension-apiserver-authentication');
    expect(await kubectl('get mdep -l a=b -o name')).toBe('');
    expect(await kubectl('get mdep --field-selector metadata.name=shown -o name')).toBe('modeldeployment.jouleops.dev/shown');
    expect((await kubectl('get mdep --chunk-size=1 -o name')).split('\n').length).toBeGreaterThan(1);
  });

  it('explains fields from the definition', async () => {
    const explanation = await kubectl('explain modeldeployment.spec.budget.energyPerInference');
    expect(explanation).toContain('FIELD: energyPerInference <string>');
    expect(explanation).toMatch(/DESCRIPTION:\n\s+\S/);
    expect(await kubectl('explain configmap.data')).toContain('FIELD: data <map[string]string>');
    expect(await kubectl('explain edev --recursive')).toContain('deviceClassName');
  });

  it('shows what an apply would change, and changes nothing', async () => {
    await kubectl('apply -f -', { input: deployment('compared') });
    const { code, stdout } = await run(['diff', '-f', '-'], { input: deployment('compared', '85mJ') });
    expect(code).toBe(1);
    expect(stdout).toContain('-    energyPerInference: 80mJ');
    expect(stdout).toContain('+    energyPerInference: 85mJ');
    expect((await run(['diff', '-f', '-'], { input: deployment('compared') })).code).toBe(0);
    const dry = await kubectl('apply --dry-run=server -f -', { input: deployment('compared', '85mJ') });
    expect(dry).toBe('modeldeployment.jouleops.dev/compared configured (server dry run)');
  });

  it('edits, patches, labels and annotates', async () => {
    await kubectl('apply -f -', { input: deployment('changed') });
    const environment = { KUBE_EDITOR: 'sed -i s/80mJ/81mJ/' };
    expect(await kubectl('edit mdep changed', { environment })).toBe('modeldeployment.jouleops.dev/changed edited');
    await kubectl('patch mdep changed --type merge -p {"spec":{"placement":{"replicas":3}}}');
    await kubectl('patch mdep changed --type json -p [{"op":"add","path":"/spec/priority","value":7}]');
    await kubectl('patch mdep changed --subresource status --type merge -p {"status":{"observedGeneration":4}}');
    await kubectl('label mdep changed site=hall-1');
    await kubectl('annotate mdep changed jouleops.dev/retry=r1');
    const { metadata, spec, status } = JSON.parse(await kubectl('get mdep changed -o json'));
    expect(metadata).toMatchObject({ generation: 4, labels: { site: 'hall-1' }, annotations: { 'jouleops.dev/retry': 'r1' } });
    expect(spec).toMatchObject({ budget: { energyPerInference: '81mJ' }, placement: { replicas: 3 }, priority: 7 });
    expect(status).toEqual({ observedGeneration: 4 });
    await kubectl('wait mdep changed --for=jsonpath={.status.observedGeneration}=4 --timeout=5s');
  });

  it('describes an object with its events', async () => {
    await kubectl('apply -f -', { input: deployment('described') });
    const uid = await kubectl('get mdep described -o jsonpath={.metadata.uid}');
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'described.1', namespace: 'default' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'jouleops.dev/controller',
      reportingInstance: 'test',
      action: 'Admit',
      reason: 'BudgetExceededPredicted',
      type: 'Warning',
      note: 'lower bound 91mJ > budget 80mJ',
      regarding: { apiVersion: 'jouleops.dev/v1alpha1', kind: 'ModelDeployment', name: 'described', namespace: 'default', uid },
    };
    await kubectl('create -f -', { input: event });
    const description = await kubectl('describe mdep described');
    expect(description).toMatch(/Energy Per Inference:\s+80mJ/);
    expect(description).toMatch(/Warning\s+BudgetExceededPredicted\s.*lower bound 91mJ > budget 80mJ/);
    expect(await kubectl('get events --no-headers')).toContain('BudgetExceededPredicted');
    expect(await kubectl('events --no-headers')).toContain('ModelDeployment/described');
  });

  it('waits for a condition', async () => {
    await kubectl('apply -f -', { input: deployment('awaited') });
    const waiting = kubectl('wait mdep awaited --for=condition=Ready --timeout=20s');
    const condition = {
      type: 'Ready',
      status: 'True',
      reason: 'Succeeded',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const status = JSON.stringify({ status: { observedGeneration: 1, conditions: [condition] } });
    expect((await run(['patch', 'mdep', 'awaited', '--subresource', 'status', '--type', 'merge', '-p', status])).code).toBe(0);
    expect(await waiting).toBe('modeldeployment.jouleops.dev/awaited condition met');
  });

  it('follows changes with -w', async () => {
    await kubectl('apply -f -', { input: deployment('followed') });
    const following = run(['get', 'mdep', 'followed', '-w', '--request-timeout=3s', '--no-headers']);
    await eventually(async () => kubectl('label mdep followed seen=yes --overwrite'));
    await kubectl('delete mdep followed');
    const { stdout } = await following;
    expect(stdout.trim().split('\n').length).toBeGreaterThan(1);
    expect(stdout).toMatch(/^followed\s+machine-state-2/);
  });

  it('creates what it sends as protobuf', async () => {
    expect(await kubectl('create namespace factory')).toBe('namespace/factory created');
    expect(await kubectl('create configmap settings --from-literal=a=b --from-literal=empty=')).toBe(
      'configmap/settings created',
    );
    expect(await kubectl('create secret generic token --from-literal=a=b')).toBe('secret/token created');
    expect(JSON.parse(await kubectl('get configmap settings -o json')).data).toEqual({ a: 'b', empty: '' });
    expect(JSON.parse(await kubectl('get secret token -o json'))).toMatchObject({ data: { a: 'Yg==' }, type: 'Opaque' });
    expect(await kubectl('get namespace factory -o jsonpath={.status.phase}')).toBe('Active');
    expect(await kubectl('delete namespace factory')).toBe('namespace "factory" deleted');
  });

  it('deletes, with and without what belongs to it', async () => {
    const revision = async (owner: string) => {
      const uid = await kubectl(`get mdep ${owner} -o jsonpath={.metadata.uid}`);
      const ownerReferences = [
        { apiVersion: 'jouleops.dev/v1alpha1', kind: 'ModelDeployment', name: owner, uid, blockOwnerDeletion: true },
      ];
      const metadata = { name: `${owner}-1`, namespace: 'default', ownerReferences };
      await test.client.apply(controllerRevisions, { metadata, data: { a: 1 }, revision: 1 }, { fieldManager: 'test', signal });
    };
    for (const cascade of ['background', 'foreground', 'orphan']) {
      await kubectl('apply -f -', { input: deployment(cascade) });
      await revision(cascade);
      const deleted = await kubectl(`delete mdep ${cascade} --cascade=${cascade}`);
      expect(deleted).toBe(`modeldeployment.jouleops.dev "${cascade}" deleted`);
    }
    await eventually(async () =>
      expect(await kubectl('get controllerrevisions -o name')).toBe('controllerrevision.apps/orphan-1'),
    );
    await kubectl('delete mdep --all');
    expect(await kubectl('get mdep -o name')).toBe('');
  });
});
