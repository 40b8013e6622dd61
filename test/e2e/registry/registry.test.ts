// A real registry: pushed with the command line, fetched by the controller.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ModelVersion } from '../../../crds/model-version.ts';
import { modelVersions } from '../../../crds/resources.ts';
import { namespaces, secrets } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { createTestAuthority } from '../../support/control-plane/certificates.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '../../..');
const installed = spawnSync('docker-registry', ['--version']).status === 0;
const signal = AbortSignal.timeout(200_000);
const password = 'secret';
const namespace = 'factory';

describe.skipIf(!installed)('a registry (Debian package docker-registry)', () => {
  let folder: string;
  let registry: ChildProcess;
  let host: string;
  let plane: TestControlPlane;
  let flags: string[];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'jouleops-registry-'));
    const authority = await createTestAuthority('jouleops-registry-test');
    const { certificatePem, keyPem } = await authority.issueServer(['localhost', '127.0.0.1']);
    const port = await freePort();
    host = `localhost:${port}`;
    const at = (name: string) => path.join(folder, name);
    await writeFile(at('ca.pem'), authority.certificatePem);
    await writeFile(at('cert.pem'), certificatePem);
    await writeFile(at('key.pem'), keyPem);
    await writeFile(at('htpasswd'), `plant:${passwordHash}\n`);
    await writeFile(at('password'), `${password}\n`);
    const config = {
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: at('storage') } },
      http: { addr: `127.0.0.1:${port}`, tls: { certificate: at('cert.pem'), key: at('key.pem') } },
      auth: { htpasswd: { realm: 'plant', path: at('htpasswd') } },
    };
    await writeFile(at('config.yml'), JSON.stringify(config));
    registry = spawn('docker-registry', ['serve', at('config.yml')], { stdio: 'ignore' });
    flags = ['--username', 'plant', '--password-file', at('password'), '--ca', at('ca.pem')];
    plane = await startControlPlane({
      artifacts: { allowedHosts: ['localhost'], allowPrivateAddresses: true, certificateAuthority: authority.certificatePem },
    });
    await plane.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
    const data = { username: encode('plant'), password: encode(password) };
    await plane.client.create(
      secrets,
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'registry', namespace }, data },
      { signal },
    );
  }, 60_000);
  afterAll(async () => {
    const exit = once(registry, 'exit');
    registry.kill('SIGTERM');
    await exit;
    await plane.close();
    await rm(folder, { recursive: true, force: true });
  });

  const jouleops = (...args: string[]) => run(process.execPath, ['--no-warnings', 'cli/jouleops.ts', ...args], { cwd: root });
  async function declare(name: string, version: ModelVersion, uri?: string, secretName?: string) {
    const sourceOf = (own: string) => [{ uri: uri ?? own, ...(secretName === undefined ? {} : { secretName }) }];
    const variants = version.spec.variants.map((variant) => ({
      ...variant,
      sources: sourceOf(variant.sources[0]?.uri ?? ''),
    }));
    const { family } = version.spec;
    const spec = { family, version: '1.0.0', variants };
    const object = { apiVersion: 'jouleops.dev/v1alpha1', kind: 'ModelVersion', metadata: { name, namespace }, spec };
    await plane.client.create(modelVersions, object, { signal });
    return eventually(async () => {
      const found = await plane.client.get(modelVersions, { namespace, name }, { signal });
      expect(findCondition(found.status?.conditions, 'Ready')?.status).toMatch(/True|False/);
      return found;
    }, 60);
  }

  it('takes a model, and the controller fetches it by tag, verifies it and records what the tag stood for', async () => {
    const tag = `oci://${host}/models/machine-state:2`;
    const push = () => eventually(() => jouleops('model', 'push', 'model_store/machine-state/2', tag, ...flags), 20);
    const { stdout, stderr } = await push();
    const version = parse(stdout) as ModelVersion;
    const pinned = version.spec.variants[0]?.sources[0]?.uri ?? '';
    expect(pinned).toMatch(/^oci:\/\/localhost:\d+\/models\/machine-state@sha256:[0-9a-f]{64}$/);
    expect(stderr).toContain('pushed 4 files');
    expect(version.spec).toMatchObject({ family: 'machine-state', version: '2.0.0', goldenSet: { metric: 'Accuracy' } });
    expect((await push()).stdout).toBe(stdout);

    const inspected = JSON.parse((await jouleops('model', 'inspect', tag, ...flags, '--output', 'json')).stdout) as {
      uri: string;
      artifactType: string;
      layers: { file: string; mediaType: string }[];
    };
    expect(inspected).toMatchObject({ uri: pinned, artifactType: 'application/vnd.cncf.model.manifest.v1+json' });
    expect(inspected.layers.find((layer) => layer.file === 'model.onnx')?.mediaType).toBe(
      'application/vnd.cncf.model.weight.v1.raw',
    );

    const refused = await declare('no-secret', version);
    expect(findCondition(refused.status?.conditions, 'Verified')).toMatchObject({
      status: 'False',
      reason: 'SourceUnavailable',
      message: expect.stringContaining('secretName') as string,
    });
    const untagged = await declare('no-tag', version, `oci://${host}/models/machine-state:9`, 'registry');
    expect(findCondition(untagged.status?.conditions, 'Verified')?.message).toContain('push it, or correct the source');

    const ready = await declare('by-tag', version, tag, 'registry');
    expect(findCondition(ready.status?.conditions, 'Ready')).toMatchObject({ status: 'True' });
    expect(ready.status?.variants?.[0]?.source).toBe(pinned);
  });
});

const encode = (text: string) => Buffer.from(text).toString('base64');
/** bcrypt of `password`, which is the only form that the registry reads. */
const passwordHash = '$2b$04$IHvC2wVKgmECwlt3BiyGSu/jC5zK2ZaOEuQmjgJOWNuKvIpUXMN/K';
