// The command as a person calls it, against the embedded control plane with a real controller.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinFleet } from '../../../agent/identity/join.ts';
import { decodeJoinToken } from '../../../crds/join.ts';
import { annotations, systemNamespace } from '../../../crds/names.ts';
import { edgeDevices } from '../../../crds/resources.ts';
import { secrets } from '../../../kube/api/builtins.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';

const signal = AbortSignal.timeout(120_000);
const entry = path.join(import.meta.dirname, '../../../cli/jouleops.ts');
const run = promisify(execFile);

describe('jouleops device', () => {
  let plane: TestControlPlane;
  let kubeconfig: string;
  beforeAll(async () => {
    plane = await startControlPlane();
    kubeconfig = path.join(plane.directory, 'kubeconfig');
    await writeFile(kubeconfig, await plane.apiServer.kubeconfig(), { mode: 0o600 });
  });
  afterAll(() => plane.close());

  const jouleops = async (...args: string[]) => {
    try {
      const { stdout, stderr } = await run(process.execPath, ['--no-warnings', entry, 'device', ...args], {
        env: { ...process.env, KUBECONFIG: kubeconfig },
      });
      return { code: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  };
  const joinAs = (name: string, token: string) => joinFleet({ name, source: { kind: 'JoinToken', token } }, signal);

  it('token: prints a token that a device joins with, and nothing else', async () => {
    const { code, stdout, stderr } = await jouleops('token', '--valid', '2h');
    expect(code).toBe(0);
    const token = decodeJoinToken(stdout.trim());
    expect(token.url).toBe(plane.controller.devicePortUrl);
    expect((Date.parse(token.expires) - Date.now()) / 3_600_000).toBeCloseTo(2, 1);
    expect(stderr).toMatch(/^Good for any number of devices until \d{4}-.*Z; they join at https:/);
    const identity = await joinAs('hall-1', stdout.trim());
    expect(identity.name).toBe('hall-1');
  });

  it('token: leaves no secret behind, only its hash', async () => {
    const { stdout } = await jouleops('token');
    const { secret, id } = decodeJoinToken(stdout.trim());
    const stored = await plane.client.get(secrets, { namespace: systemNamespace, name: 'jouleops-join-tokens' }, { signal });
    const text = Buffer.from(stored.data?.[id] ?? '', 'base64').toString();
    expect(text).toContain('"hash"');
    expect(text).not.toContain(secret);
  });

  it('reset: lets another board take the name, which is refused before', async () => {
    const token = (await jouleops('token')).stdout.trim();
    const first = await joinAs('hall-2', token);
    await expect(joinAs('hall-2', token)).rejects.toMatchObject({ reason: 'NameTaken' });
    expect(await jouleops('reset', 'hall-2')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^hall-2 is free/) });
    const second = await joinAs('hall-2', token);
    expect(second.deviceUid).toBe(first.deviceUid);
    await expect(joinAs('hall-2', token)).rejects.toMatchObject({ reason: 'NameTaken' });
  });

  it('reset: a second time changes nothing, and says so', async () => {
    const token = (await jouleops('token')).stdout.trim();
    await joinAs('hall-3', token);
    await jouleops('reset', 'hall-3');
    const { metadata } = await plane.client.get(edgeDevices, { name: 'hall-3' }, { signal });
    expect(metadata.annotations?.[annotations.keyFingerprint]).toBeUndefined();
    expect(await jouleops('reset', 'hall-3')).toMatchObject({ code: 0, stdout: expect.stringContaining('is not bound') });
  });

  it.each([
    [['reset', 'nobody'], 1, /there is no device nobody\n {2}next: "jouleops status" lists the devices/],
    [['token', '--valid', 'soon'], 2, /--valid soon is not a time/],
    [['token', '--namespace', 'default'], 1, /there is no ConfigMap default\/jouleops-device-port/],
    [['token', '--kubeconfig', '/none'], 1, /--kubeconfig \/none: there is no such file/],
  ])('%j fails and says what to do', async (args, code, says) => {
    const answer = await jouleops(...args);
    expect(answer).toMatchObject({ code, stdout: '' });
    expect(answer.stderr).toMatch(says);
  });
});
