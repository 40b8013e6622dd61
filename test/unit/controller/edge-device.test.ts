import { describe, expect, it } from 'vitest';
import { readShippedClasses } from '../../../controller/device-class/shipped.ts';
import { decideClass, matchesGlob } from '../../../controller/edge-device/decide-class.ts';
import { describeDevice } from '../../../controller/edge-device/decide-status.ts';
import { LivenessTracker } from '../../../controller/edge-device/liveness.ts';
import type { DeviceClass } from '../../../crds/device-class.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import type { ModelInstance, Slot } from '../../../crds/model-instance.ts';
import type { Lease } from '../../../kube/api/builtins.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const edgeDevice = (status: EdgeDevice['status'], spec: EdgeDevice['spec'] = {}): Stored<EdgeDevice> => ({
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'EdgeDevice',
  metadata: { name: 'd', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', generation: 1 },
  spec,
  ...(status === undefined ? {} : { status }),
});

async function shippedClasses(): Promise<DeviceClass[]> {
  const shipped = await readShippedClasses(new URL('../../../data/predictors', import.meta.url).pathname);
  return shipped.map(({ name, spec }) => ({
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'DeviceClass',
    metadata: { name },
    spec,
  }));
}

describe('the class of a device', () => {
  it.each([
    ['Raspberry Pi 5 Model B Rev 1.0', 'arm64', 'raspberry-pi-5'],
    ['Raspberry Pi Compute Module 5 Rev 1.0', 'arm64', 'raspberry-pi-5'],
    ['Raspberry Pi 4 Model B Rev 1.4', 'arm64', 'raspberry-pi-4'],
    ['NVIDIA Jetson Nano Developer Kit', 'arm64', 'jetson-nano'],
    ['NVIDIA Jetson Orin Nano Developer Kit', 'arm64', 'jetson-orin-nano'],
    ['NVIDIA Jetson AGX Orin Developer Kit', 'arm64', 'jetson-agx-orin'],
    ['Radxa ROCK 5B', 'arm64', 'generic-arm64'],
    ['ThinkPad T14', 'x64', 'generic-x86-64'],
    [undefined, 'x64', 'generic-x86-64'],
  ])('of %s on %s is %s', async (boardModel, architecture, name) => {
    const device = edgeDevice({ architecture, ...(boardModel === undefined ? {} : { boardModel }) });
    expect(decideClass(device, await shippedClasses())).toEqual({ kind: 'class', name });
  });

  it('is what the spec says, if there is such a class', async () => {
    const classes = await shippedClasses();
    expect(decideClass(edgeDevice({ architecture: 'x64' }, { deviceClassName: 'jetson-nano' }), classes)).toEqual({
      kind: 'class',
      name: 'jetson-nano',
    });
    expect(decideClass(edgeDevice({ architecture: 'x64' }, { deviceClassName: 'toaster' }), classes)).toMatchObject({
      kind: 'none',
    });
  });

  it('of a simulated device is never detected: it must be named', async () => {
    const device = edgeDevice({ boardModel: 'Raspberry Pi 5 Model B', architecture: 'arm64', simulated: true });
    expect(decideClass(device, await shippedClasses())).toMatchObject({ kind: 'none' });
  });

  it('with the higher precedence wins, then the name', () => {
    const make = (name: string, precedence: number): DeviceClass => ({
      apiVersion: 'v',
      kind: 'DeviceClass',
      metadata: { name },
      spec: { match: { architectures: ['x64'], precedence } },
    });
    expect(decideClass(edgeDevice({ architecture: 'x64' }), [make('b', 1), make('a', 1), make('c', 5)])).toEqual({
      kind: 'class',
      name: 'c',
    });
    expect(decideClass(edgeDevice({ architecture: 'x64' }), [make('b', 1), make('a', 1)])).toEqual({ kind: 'class', name: 'a' });
  });

  it.each([
    ['Raspberry Pi 5*', 'raspberry pi 5 Model B', true],
    ['*Orin*', 'NVIDIA Jetson AGX Orin', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['', '', true],
    ['*', '', true],
    ['a*b*c', 'aXXbYYc', true],
    ['a*b*c', 'aXXbYY', false],
    ['[a]', 'a', false],
  ])('glob %s on %s: %s', (glob, text, expected) => {
    expect(matchesGlob(glob, text)).toBe(expected);
  });

  it('matches hostile globs in no time', () => {
    const started = performance.now();
    expect(matchesGlob('*a'.repeat(60), `${'a'.repeat(127)}b`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(200);
  });
});

describe('who is alive', () => {
  const lease = (renewTime?: string): Lease => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'd' },
    spec: renewTime === undefined ? {} : { renewTime },
  });
  const at = (clock: FakeClock) => new Date(clock.now()).toISOString();

  it('is judged by silence that was observed here, whatever the device thinks the time is', async () => {
    const clock = new FakeClock();
    const tracker = new LivenessTracker(clock, 180);
    expect(tracker.judge('d').kind).toBe('neverSeen');
    tracker.observe(lease());
    tracker.observe(lease('1999-01-01T00:00:00.000000Z'));
    expect(tracker.judge('d').kind).toBe('alive');
    await clock.advance(179_000);
    expect(tracker.judge('d').kind).toBe('alive');
    await clock.advance(2000);
    expect(tracker.judge('d')).toMatchObject({ kind: 'silent', seconds: 181 });
  });

  it('is unproven right after a restart of the controller, and believed only if the last renewal is recent', () => {
    const clock = new FakeClock();
    const fresh = new LivenessTracker(clock, 180);
    fresh.observe(lease(at(clock)));
    expect(fresh.judge('d')).toMatchObject({ kind: 'unproven', recentByItsClock: true });
    const stale = new LivenessTracker(clock, 180);
    stale.observe(lease('2025-01-01T00:00:00Z'));
    expect(stale.judge('d')).toMatchObject({ kind: 'unproven', recentByItsClock: false });
  });

  it('does not take the same renewal twice for two', async () => {
    const clock = new FakeClock();
    const tracker = new LivenessTracker(clock, 180);
    tracker.observe(lease('a'));
    await clock.advance(100_000);
    tracker.observe(lease('a'));
    await clock.advance(100_000);
    expect(tracker.judge('d').kind).toBe('silent');
  });
});

describe('the status of a device', () => {
  const slot: Slot = {
    revision: 'r',
    modelVersionName: 'm',
    modelVersion: '1',
    variant: 'v',
    digest: `sha256:${'0'.repeat(64)}`,
    size: 1,
  };
  const instance = (name: string, spec: Partial<ModelInstance['spec']> = {}): Stored<ModelInstance> => ({
    apiVersion: 'v',
    kind: 'ModelInstance',
    metadata: { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: '', generation: 3 },
    spec: { deviceName: 'd', deploymentName: 'x', deploymentUid: 'y', ...spec },
  });
  const deviceClass = { kind: 'class', name: 'pi' } as const;
  const alive = { kind: 'alive', recheckSeconds: 1 } as const;

  it('assigns instances that have something to run, in the order of names', () => {
    const instances = [instance('b', { active: slot }), instance('a', { candidate: slot }), instance('empty')];
    const status = describeDevice(edgeDevice({}), { liveness: alive, deviceClass, instances }, '2026-01-01T00:00:00Z');
    expect(status.assigned).toEqual([
      { namespace: 'ns', name: 'a', uid: 'uid-a', generation: 3 },
      { namespace: 'ns', name: 'b', uid: 'uid-b', generation: 3 },
    ]);
  });

  it('keeps what is assigned where there is more than a device can be told of: it would stop what is no longer listed', () => {
    const serving = Array.from({ length: 64 }, (_, at) => instance(`m-${String(at).padStart(2, '0')}`, { active: slot }));
    const now = '2026-01-01T00:00:00Z';
    const before = describeDevice(edgeDevice({}), { liveness: alive, deviceClass, instances: serving }, now);
    expect(before.assigned).toHaveLength(64);
    const instances = [instance('a-newcomer', { candidate: slot }), ...serving];
    const { assigned } = describeDevice(edgeDevice(before), { liveness: alive, deviceClass, instances }, now);
    expect(assigned).toEqual(before.assigned);
    const fewer = describeDevice(edgeDevice(before), { liveness: alive, deviceClass, instances: instances.slice(0, -1) }, now);
    expect(fewer.assigned?.map(({ name }) => name)).toEqual([
      'a-newcomer',
      ...serving.slice(0, -1).map((one) => one.metadata.name),
    ]);
  });

  it('says Unknown, not False, of a silent device: what it serves goes on', () => {
    const status = describeDevice(
      edgeDevice({}),
      { liveness: { kind: 'silent', seconds: 200, lastRenewal: 'then' }, deviceClass, instances: [] },
      '2026-01-01T00:00:00Z',
    );
    expect(status.conditions).toMatchObject([{ type: 'Ready', status: 'Unknown', reason: 'AgentUnreachable' }]);
  });

  it('keeps a lost device lost across a restart of the controller', () => {
    const lost = {
      type: 'Ready',
      status: 'Unknown' as const,
      reason: 'AgentUnreachable',
      message: 'm',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      observedGeneration: 1,
    };
    const device = edgeDevice({ conditions: [lost] });
    const status = describeDevice(
      device,
      { liveness: { kind: 'unproven', recheckSeconds: 180, recentByItsClock: false }, deviceClass, instances: [] },
      '2026-01-02T00:00:00Z',
    );
    expect(status.conditions).toEqual([lost]);
  });
});
