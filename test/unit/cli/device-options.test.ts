import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { joinSourceOf, limitsOf } from '../../../cli/commands/agent.ts';
import { artifactLimitsOf } from '../../../cli/commands/controller.ts';
import { parseValidity } from '../../../cli/device/validity.ts';
import { parseQuantity } from '../../../kube/meta/quantity.ts';
import { manifestsFolder, readManifests } from '../../support/installation/manifests.ts';

describe('how long a join token is good for', () => {
  it.each([
    ['90m', 5400],
    ['24h', 86_400],
    ['7d', 604_800],
    ['1m', 60],
    ['30d', 2_592_000],
  ])('%s', (text, seconds) => {
    expect(parseValidity(text)).toBe(seconds);
  });

  it.each(['', '24', '0h', '31d', '1h30m', '-1h', '1 h', '999999d', 'h'])('is not "%s"', (text) => {
    expect(() => parseValidity(text)).toThrow(`--valid ${text} is not a time from one minute to thirty days`);
  });
});

describe('what a controller keeps of models', () => {
  it('is a room for all of them and a length for each', () => {
    expect(artifactLimitsOf({ storageLimit: '20Gi', artifactLimit: '4Gi' })).toEqual({
      quotaBytes: 20 * 2 ** 30,
      maximumBytes: 4 * 2 ** 30,
    });
  });

  it.each([
    ['--storage-limit much is not an amount of bytes', { storageLimit: 'much', artifactLimit: '4Gi' }],
    ['--artifact-limit 0 is not an amount of bytes', { storageLimit: '20Gi', artifactLimit: '0' }],
    ['--artifact-limit 4Gi is more than --storage-limit 2Gi', { storageLimit: '2Gi', artifactLimit: '4Gi' }],
  ])('%s', (message, flags) => {
    expect(() => artifactLimitsOf(flags)).toThrow(message);
  });

  it('leaves room on the volume of the manifests for a file that is on its way', async () => {
    const installed = await readManifests(join(manifestsFolder, 'install/controller.yaml'));
    const find = (kind: string) => installed.find(({ object }) => object.kind === kind)?.object;
    const volume = find('PersistentVolumeClaim') as { spec?: { resources: { requests: { storage: string } } } } | undefined;
    const deployment = find('Deployment') as { spec?: { template: { spec: { containers: { args: string[] }[] } } } } | undefined;
    const args = deployment?.spec?.template.spec.containers[0]?.args ?? [];
    const storageLimit = args.find((arg) => arg.startsWith('--storage-limit='))?.split('=')[1] ?? '20Gi';
    const { quotaBytes, maximumBytes } = artifactLimitsOf({ storageLimit, artifactLimit: '4Gi' });
    expect(quotaBytes + maximumBytes).toBeLessThan(parseQuantity(volume?.spec?.resources.requests.storage ?? '0'));
  });
});

describe('what an agent may take', () => {
  const flags = { storageLimit: '8Gi', windowSeconds: '10' };

  it('is room for artifacts, memory for models, and the length of a window', () => {
    expect(limitsOf(flags)).toEqual({ storageLimitBytes: 8 * 2 ** 30, windowSeconds: 10 });
    expect(
      limitsOf({ storageLimit: '512Mi', memoryLimit: '1G', windowSeconds: '60', advertisedUrl: 'https://pi:7500/' }),
    ).toEqual({
      storageLimitBytes: 512 * 2 ** 20,
      memoryLimitBytes: 1e9,
      windowSeconds: 60,
      advertisedUrl: 'https://pi:7500',
    });
  });

  it.each([
    ['--storage-limit 8 GB is not an amount of bytes', { ...flags, storageLimit: '8 GB' }],
    ['--memory-limit 0 is not an amount of bytes', { ...flags, memoryLimit: '0' }],
    ['--window-seconds 0.5 is not in range', { ...flags, windowSeconds: '0.5' }],
    ['--advertised-url pi:7500 is not an http address', { ...flags, advertisedUrl: 'pi:7500' }],
  ])('is refused: %s', (message, wrong) => expect(() => limitsOf(wrong)).toThrow(message));
});

describe('how an agent joins', () => {
  const pod = {
    serviceAccountTokenFile: '/var/run/secrets/jouleops/token',
    controllerUrl: 'https://jouleops-device-port.jouleops-system.svc:7481',
    controllerCaFile: '/etc/jouleops/device-port/ca.crt',
  };

  it('not at all when nothing is said: its identity is on disk', async () => {
    expect(await joinSourceOf({})).toBeUndefined();
  });

  it('with the token in a file, whatever whitespace is around it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'jouleops-token-'));
    await writeFile(join(folder, 'token'), ' jo1.x \n');
    expect(await joinSourceOf({ joinTokenFile: join(folder, 'token') })).toEqual({ kind: 'JoinToken', token: 'jo1.x' });
    await rm(folder, { recursive: true });
  });

  it('in a pod with its projected token, which is read when it is needed', async () => {
    expect(await joinSourceOf(pod)).toEqual({
      kind: 'ServiceAccountToken',
      tokenFile: pod.serviceAccountTokenFile,
      url: pod.controllerUrl,
      certificateAuthorityFile: pod.controllerCaFile,
    });
  });

  it('not with half of what a pod has, nor with both kinds of token', async () => {
    const { controllerCaFile: _, ...half } = pod;
    await expect(joinSourceOf(half)).rejects.toThrow(/goes with --controller-url and --controller-ca-file/);
    await expect(joinSourceOf({ ...pod, joinTokenFile: 'token' })).rejects.toMatchObject({ exitCode: 2 });
  });

  it('not with a file that is not there, and says how to make one', async () => {
    await expect(joinSourceOf({ joinTokenFile: '/none' })).rejects.toMatchObject({
      message: expect.stringContaining('--join-token-file /none'),
      next: 'make one with "jouleops device token > FILE"',
    });
  });
});
