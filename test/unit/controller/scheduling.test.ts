import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schedule } from '../../../controller/placement/scheduling/schedule.ts';
import type {
  DeploymentView,
  DeviceView,
  ExistingPlacement,
  Option,
  Snapshot,
} from '../../../controller/placement/scheduling/types.ts';
import { scheduleDeviceByDevice } from './device-by-device.ts';

const device = (name: string, more: Partial<DeviceView> = {}): DeviceView => ({
  name,
  kind: name,
  className: 'pi',
  labels: {},
  taints: [],
  unschedulable: false,
  ready: true,
  ...more,
});
const deployment = (uid: string, more: Partial<DeploymentView> = {}): DeploymentView => ({
  uid,
  key: `ns/${uid}`,
  priority: 0,
  createdTime: '2026-01-01T00:00:00Z',
  mode: 'Replicas',
  replicas: 1,
  classNames: [],
  tolerations: [],
  strategy: 'LeastEnergy',
  failoverSeconds: 600,
  frozen: false,
  ...more,
});
const allowed = (watts: number, more: Partial<Option & { kind: 'allowed' }> = {}): Option => ({
  kind: 'allowed',
  variant: 'fp32',
  verdict: 'WithinBudget',
  joules: { estimate: watts / 10, lower: watts / 12, upper: watts / 8 },
  marginalWatts: { estimate: watts, lower: watts * 0.9, upper: watts * 1.1 },
  memoryBytes: 0,
  storageBytes: 0,
  ...more,
});

const withoutPower = (option: Option): Option => {
  if (option.kind === 'refused') return option;
  const { marginalWatts: _, ...rest } = option;
  return rest;
};

interface World {
  devices: DeviceView[];
  deployments: DeploymentView[];
  existing?: Record<string, ExistingPlacement[]>;
  option?: Snapshot['option'];
}

function decide({ devices, deployments, existing = {}, option = () => allowed(1) }: World) {
  const decisions = schedule({
    devices: [...devices].sort((a, b) => (a.name < b.name ? -1 : 1)),
    deployments,
    existing: new Map(Object.entries(existing)),
    option,
  });
  return Object.fromEntries(decisions.map((decision) => [decision.deploymentUid, decision]));
}

const serving = (deviceName: string): ExistingPlacement => ({ deviceName, occupied: true, memoryBytes: 0 });
const empty = (deviceName: string): ExistingPlacement => ({ deviceName, occupied: false, memoryBytes: 0 });

describe('which devices are chosen', () => {
  it('takes the device where the model adds the least power', () => {
    const watts: Record<string, number> = { a: 3, b: 1, c: 2 };
    const { d } = decide({
      devices: ['a', 'b', 'c'].map((name) => device(name)),
      deployments: [deployment('d')],
      option: (_, { name }) => allowed(watts[name] ?? 9),
    });
    expect(d?.chosen).toEqual(['b']);
    expect(d?.candidateCounts).toEqual({ Chosen: 1, Feasible: 2 });
  });

  it('ranks by energy where power is unknown, and takes the wholly unknown last', () => {
    const options: Record<string, Option> = {
      a: { kind: 'allowed', variant: 'v', verdict: 'Unknown', memoryBytes: 0, storageBytes: 0 },
      b: {
        kind: 'allowed',
        variant: 'v',
        verdict: 'Uncertain',
        memoryBytes: 0,
        storageBytes: 0,
        joules: { estimate: 5, lower: 4, upper: 6 },
      },
    };
    const { d } = decide({
      devices: [device('a'), device('b')],
      deployments: [deployment('d')],
      option: (_, { name }) => options[name] as Option,
    });
    expect(d?.chosen).toEqual(['b']);
  });

  it('spreads over topology domains when asked to', () => {
    const hall = (name: string, site: string) => device(name, { labels: { site } });
    const { d } = decide({
      devices: [hall('a', 'one'), hall('b', 'one'), hall('c', 'two')],
      deployments: [deployment('d', { replicas: 2, strategy: 'Spread', topologyKey: 'site' })],
    });
    expect(d?.chosen).toEqual(['a', 'c']);
  });

  it('takes every device that fits in mode EveryDevice, and counts those that do not', () => {
    const { d } = decide({
      devices: [device('a'), device('b', { ready: false, message: 'lost' }), device('c', { className: 'nano' })],
      deployments: [deployment('d', { mode: 'EveryDevice', classNames: ['pi'] })],
    });
    expect(d).toMatchObject({ chosen: ['a'], desired: 2, candidateCounts: { Chosen: 1, NotReady: 1, WrongClass: 1 } });
  });

  it.each<[string, Partial<DeviceView>, Partial<DeploymentView>, string]>([
    ['its labels do not match', { labels: { site: 'x' } }, { selector: { matchLabels: { site: 'y' } } }, 'NotSelected'],
    [
      'an expression excludes it',
      { labels: { site: 'x' } },
      { selector: { matchExpressions: [{ key: 'site', operator: 'NotIn', values: ['x'] }] } },
      'NotSelected',
    ],
    ['its class is another', {}, { classNames: ['nano'] }, 'WrongClass'],
    ['a taint is not tolerated', { taints: [{ key: 'lab', effect: 'NoPlacement' }] }, {}, 'Tainted'],
    ['it is unschedulable', { unschedulable: true }, {}, 'Unschedulable'],
    ['it is not ready', { ready: false }, {}, 'NotReady'],
    ['its agent is too old', { agentVersion: '0.1.0' }, { minimumAgentVersion: '0.2.0' }, 'AgentTooOld'],
    ['its agent is of unknown version', {}, { minimumAgentVersion: '0.2.0' }, 'AgentTooOld'],
    ['it has no such upstream', { upstreams: ['npu'] }, { upstreamName: 'gpu' }, 'NotReady'],
    ['its memory is too small', { memoryBytes: 10 }, {}, 'InsufficientMemory'],
    ['its storage is too small', { storageBytes: 10 }, {}, 'InsufficientStorage'],
    ['the model is too slow there', {}, { p95LatencyMilliseconds: 50 }, 'LatencyExceeded'],
    ['the cap is too low', { powerCapWatts: 3, idleWatts: 2.5 }, {}, 'PowerCapExceeded'],
    ['it has a cap and its idle power is unknown', { powerCapWatts: 30 }, {}, 'PowerCapExceeded'],
  ])('explains a refusal: %s', (_, ofDevice, ofDeployment, verdict) => {
    const option = allowed(1, {
      memoryBytes: 100,
      storageBytes: 100,
      latencySeconds: { estimate: 0.09, lower: 0.08, upper: 0.1 },
    });
    const { d } = decide({
      devices: [device('a', ofDevice)],
      deployments: [deployment('d', ofDeployment)],
      option: () => option,
    });
    expect(d?.chosen).toEqual([]);
    expect(d?.candidates).toMatchObject([{ deviceName: 'a', verdict }]);
    expect(d?.shortfall).toBeDefined();
  });

  it('brings no device more models than it can be told of, and says so', () => {
    const uids = Array.from({ length: 66 }, (_, at) => `d${String(at).padStart(2, '0')}`);
    const decisions = decide({ devices: [device('a')], deployments: uids.map((uid) => deployment(uid)) });
    const placed = uids.filter((uid) => decisions[uid]?.chosen.length === 1);
    expect(placed).toEqual(uids.slice(0, 64));
    expect(decisions['d65']?.candidates).toMatchObject([
      {
        verdict: 'Unschedulable',
        message: 'it has 64 models, and one device is told of 64 at most: take one away, or add a device',
      },
    ]);
  });

  it('packs storage as it packs memory: what others have on the disk is not free', () => {
    const { d, e } = decide({
      devices: [device('a', { storageBytes: 150 }), device('b', { storageBytes: 150 })],
      deployments: [deployment('d'), deployment('e', { replicas: 2 })],
      option: () => allowed(1, { storageBytes: 100 }),
    });
    expect(d?.chosen).toEqual(['a']);
    expect(e?.chosen).toEqual(['b']);
    expect(e?.candidates).toMatchObject([
      { deviceName: 'b', verdict: 'Chosen' },
      { deviceName: 'a', verdict: 'InsufficientStorage', message: 'needs 100, 50 of 150 is free' },
    ]);
  });

  it('lets a toleration through', () => {
    const tainted = device('a', { taints: [{ key: 'lab', value: 'x', effect: 'NoPlacement' }] });
    const { d } = decide({
      devices: [tainted],
      deployments: [deployment('d', { tolerations: [{ key: 'lab', operator: 'Equal', value: 'x' }] })],
    });
    expect(d?.chosen).toEqual(['a']);
  });

  it('keeps the nearest misses when there are more candidates than a status holds', () => {
    const devices = Array.from({ length: 50 }, (_, index) =>
      device(`d${String(index).padStart(2, '0')}`, { className: index < 5 ? 'pi' : 'nano' }),
    );
    const { d } = decide({ devices, deployments: [deployment('d', { classNames: ['pi'] })] });
    expect(d?.candidates).toHaveLength(32);
    expect(d?.candidates.slice(0, 5).map((candidate) => candidate.verdict)).toEqual([
      'Chosen',
      'Feasible',
      'Feasible',
      'Feasible',
      'Feasible',
    ]);
    expect(d?.candidateCounts).toEqual({ Chosen: 1, Feasible: 4, WrongClass: 45 });
  });

  it('names a few of the devices that would do as well, and counts them all', () => {
    const devices = Array.from({ length: 50 }, (_, index) =>
      device(`d${String(index).padStart(2, '0')}`, {
        className: index < 40 ? 'pi' : 'nano',
        kind: index % 2 === 0 ? 'even' : 'odd',
      }),
    );
    const { d } = decide({ devices, deployments: [deployment('d', { classNames: ['pi'] })] });
    expect(d?.candidateCounts).toEqual({ Chosen: 1, Feasible: 39, WrongClass: 10 });
    const names = (verdict: string) =>
      d?.candidates.filter((entry) => entry.verdict === verdict).map(({ deviceName }) => deviceName);
    expect(names('Feasible')).toEqual(['d01', 'd02', 'd03', 'd04', 'd05', 'd06', 'd07', 'd08']);
    expect(names('WrongClass')).toHaveLength(10);
  });

  it('says that nothing matches when nothing does', () => {
    const { d } = decide({
      devices: [device('a')],
      deployments: [deployment('d', { mode: 'EveryDevice', selector: { matchLabels: { site: 'moon' } } })],
    });
    expect(d?.shortfall).toBe(
      'no device matches placement.deviceSelector site=moon (1 NotSelected): correct the selector or label a device, kubectl label edgedevice NAME KEY=VALUE',
    );
  });

  it('says that it has not decided yet where nothing is decided, whatever devices there are', () => {
    const { d } = decide({ devices: [device('a')], deployments: [deployment('d', { frozen: true })] });
    expect(d?.shortfall).toBe('nothing is decided while the deployment is suspended or its model is unknown');
  });

  it('asks for an agent only where no device is known', () => {
    const { d } = decide({ devices: [], deployments: [deployment('d')] });
    expect(d?.shortfall).toBe('no device is known: start an agent, it joins by itself');
  });
});

describe('who chooses first', () => {
  const watts: Record<string, Record<string, number>> = { a: { good: 1, bad: 1.2 }, b: { good: 2, bad: 9 } };
  const world = (more: Partial<DeploymentView> = {}): World => ({
    devices: [
      device('good', { kind: 'good', powerCapWatts: 4, idleWatts: 1 }),
      device('bad', { kind: 'bad', powerCapWatts: 12, idleWatts: 1 }),
    ],
    deployments: [deployment('a'), deployment('b', more)],
    option: ({ uid }, { kind }) => allowed(watts[uid]?.[kind] ?? 0),
  });

  it('of those that came together, the one that has most to lose', () => {
    const result = decide(world());
    expect([result['a']?.chosen, result['b']?.chosen]).toEqual([['bad'], ['good']]);
  });

  it('the older one, whatever it has to lose', () => {
    const result = decide(world({ createdTime: '2026-01-01T00:00:01Z' }));
    expect([result['a']?.chosen, result['b']?.chosen]).toEqual([['good'], ['bad']]);
  });
});

describe('what stays where it is', () => {
  it('does not move for a cheaper device', () => {
    const { d } = decide({
      devices: [device('a'), device('b')],
      deployments: [deployment('d')],
      existing: { d: [serving('b')] },
      option: (_, { name }) => allowed(name === 'a' ? 1 : 2),
    });
    expect(d?.chosen).toEqual(['b']);
  });

  it.each([
    ['a short loss', { ready: false, lostSeconds: 300 }, ['b']],
    ['a loss longer than failoverSeconds', { ready: false, lostSeconds: 601 }, ['a']],
    ['being unschedulable', { unschedulable: true }, ['b']],
    ['a taint against new placements', { taints: [{ key: 'x', effect: 'NoPlacement' as const }] }, ['b']],
    ['a taint against serving', { taints: [{ key: 'x', effect: 'NoServing' as const }] }, ['a']],
  ])('after %s', (_, ofDevice, chosen) => {
    const { d } = decide({
      devices: [device('a'), device('b', ofDevice)],
      deployments: [deployment('d')],
      existing: { d: [serving('b')] },
    });
    expect(d?.chosen).toEqual(chosen);
  });

  it('is not stopped by a prediction over the budget while it serves, but an empty instance goes', () => {
    const refused: Option = { kind: 'refused', verdict: 'ExceedsBudget', message: 'too much' };
    const world = { devices: [device('a'), device('b')], deployments: [deployment('d', { replicas: 2 })], option: () => refused };
    expect(decide({ ...world, existing: { d: [serving('a'), empty('b')] } })['d']?.chosen).toEqual(['a']);
  });

  it('is left alone while its deployment is frozen', () => {
    const { d } = decide({
      devices: [device('a', { taints: [{ key: 'x', effect: 'NoServing' }] }), device('b')],
      deployments: [deployment('d', { replicas: 2, frozen: true })],
      existing: { d: [serving('a')] },
    });
    expect(d?.chosen).toEqual(['a']);
  });

  it('keeps what serves when replicas shrink', () => {
    const { d } = decide({
      devices: [device('a'), device('b')],
      deployments: [deployment('d')],
      existing: { d: [empty('a'), serving('b')] },
    });
    expect(d?.chosen).toEqual(['b']);
  });

  it('gives way by priority when a cap no longer holds', () => {
    const capped = device('a', { powerCapWatts: 5, idleWatts: 2 });
    const result = decide({
      devices: [capped],
      deployments: [deployment('low', { priority: 0 }), deployment('high', { priority: 10 })],
      existing: { low: [serving('a')], high: [serving('a')] },
      option: () => allowed(2),
    });
    expect(result['high']?.chosen).toEqual(['a']);
    expect(result['low']?.candidates[0]).toMatchObject({ verdict: 'PowerCapExceeded' });
    expect(result['low']?.candidates[0]?.message).toContain('> cap 5W');
  });

  it('moves nothing that serves when a recalibration makes the sum of upper bounds exceed a cap, and places nothing beside it', () => {
    const capped = device('a', { powerCapWatts: 6, idleWatts: 2 });
    const world = (watts: number) => ({
      devices: [capped],
      deployments: [deployment('low', { priority: 0 }), deployment('high', { priority: 10 })],
      option: () => allowed(watts),
    });
    // Placed at 1.8 W each: 2 + 2 × 1.98 W. Calibrated to 2.1 W each: at most 6.62 W, at least 5.78 W.
    const placed = decide(world(1.8));
    expect([placed['low']?.chosen, placed['high']?.chosen]).toEqual([['a'], ['a']]);
    const recalibrated = decide({ ...world(2.1), existing: { low: [serving('a')], high: [serving('a')] } });
    expect([recalibrated['low']?.chosen, recalibrated['high']?.chosen]).toEqual([['a'], ['a']]);
    const third = decide({
      ...world(2.1),
      deployments: [...world(2.1).deployments, deployment('new', { priority: 20 })],
      existing: { low: [serving('a')], high: [serving('a')] },
    });
    expect([third['low']?.chosen, third['high']?.chosen, third['new']?.chosen]).toEqual([['a'], ['a'], []]);
  });

  it.each([
    ['the idle power of its device', {}, allowed(2)],
    ['the power of its model', { idleWatts: 2.5 }, withoutPower(allowed(2))],
  ])('keeps what serves under a cap when %s is no longer known', (_, idle, option) => {
    const result = decide({
      devices: [device('a', { powerCapWatts: 3, ...idle })],
      deployments: [deployment('d')],
      existing: { d: [serving('a')] },
      option: () => option,
    });
    expect(result['d']?.chosen).toEqual(['a']);
  });
});

describe('properties of every decision', () => {
  const worlds = fc.record({
    caps: fc.array(fc.option(fc.double({ min: 2, max: 12, noNaN: true }), { nil: undefined }), { minLength: 1, maxLength: 8 }),
    deployments: fc.array(
      fc.record({
        replicas: fc.integer({ min: 1, max: 4 }),
        priority: fc.integer({ min: 0, max: 3 }),
        watts: fc.double({ min: 0.1, max: 4, noNaN: true }),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  });

  function build({
    caps,
    deployments,
  }: {
    caps: (number | undefined)[];
    deployments: { replicas: number; priority: number; watts: number }[];
  }): World {
    const watts = new Map(deployments.map((entry, index) => [`m${index}`, entry.watts]));
    return {
      devices: caps.map((cap, index) => device(`d${index}`, cap === undefined ? {} : { powerCapWatts: cap, idleWatts: 2 })),
      deployments: deployments.map(({ replicas, priority }, index) => deployment(`m${index}`, { replicas, priority })),
      option: (view) => allowed(watts.get(view.uid) ?? 1),
    };
  }

  it('never exceeds a cap, never exceeds replicas', () => {
    fc.assert(
      fc.property(worlds, (raw) => {
        const world = build(raw);
        const decisions = decide(world);
        for (const [index, cap] of raw.caps.entries()) {
          const placed = Object.values(decisions).filter((decision) => decision.chosen.includes(`d${index}`));
          const total = placed.reduce(
            (sum, decision) => sum + (raw.deployments[Number(decision.deploymentUid.slice(1))]?.watts ?? 0) * 1.1,
            2,
          );
          if (cap !== undefined && placed.length > 0) expect(total).toBeLessThanOrEqual(cap + 1e-9);
        }
        for (const decision of Object.values(decisions)) expect(decision.chosen.length).toBeLessThanOrEqual(decision.desired);
      }),
    );
  });

  it('is deterministic, whatever the order of deployments', () => {
    fc.assert(
      fc.property(worlds, (raw) => {
        const world = build(raw);
        expect(decide({ ...world, deployments: [...world.deployments].reverse() })).toEqual(decide(world));
      }),
    );
  });

  it('changes nothing when its own result is the world', () => {
    fc.assert(
      fc.property(worlds, (raw) => {
        const world = build(raw);
        const first = decide(world);
        const existing = Object.fromEntries(Object.entries(first).map(([uid, decision]) => [uid, decision.chosen.map(serving)]));
        const second = decide({ ...world, existing });
        for (const [uid, decision] of Object.entries(second)) expect(decision.chosen).toEqual(first[uid]?.chosen);
      }),
    );
  });
});

describe('devices that are looked at in groups', () => {
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const given = <T extends object>(value: T) =>
    Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
      [K in keyof T]?: NonNullable<T[K]>;
    };
  const natures = fc
    .record({
      kind: fc.constantFrom('pi', 'nano'),
      site: fc.constantFrom('one', 'two'),
      tainted: fc.boolean(),
      ready: fc.boolean(),
      unschedulable: fc.boolean(),
      memoryBytes: maybe(fc.constantFrom(100, 250)),
      powerCapWatts: maybe(fc.constantFrom(4, 6)),
    })
    .map(
      ({ kind, site, tainted, ready, unschedulable, ...resources }) =>
        (name: string) =>
          device(name, {
            kind,
            className: kind,
            labels: { site, host: name },
            taints: tainted ? [{ key: 'lab', effect: 'NoPlacement' }] : [],
            ready: ready || name.endsWith('0'),
            message: `${name} is silent`,
            unschedulable: unschedulable && name.endsWith('1'),
            idleWatts: 2,
            ...given(resources),
          }),
    );
  const views = fc.record({
    view: fc.record({
      priority: fc.nat(1),
      mode: fc.constantFrom('Replicas' as const, 'Replicas' as const, 'EveryDevice' as const),
      replicas: fc.integer({ min: 1, max: 3 }),
      strategy: fc.constantFrom('LeastEnergy' as const, 'Spread' as const),
      topologyKey: maybe(fc.constant('site')),
      selector: maybe(
        fc.constantFrom<NonNullable<DeploymentView['selector']>>(
          { matchLabels: { site: 'one' } },
          { matchExpressions: [{ key: 'site', operator: 'Exists' }] },
        ),
      ),
      classNames: fc.constantFrom<string[][]>([], [], ['pi']),
      frozen: fc.constantFrom(false, false, false, true),
    }),
    watts: fc.constantFrom(0.5, 1, 2),
    existing: fc.subarray(['d0', 'd1', 'd2', 'gone'], { maxLength: 2 }),
    occupied: fc.boolean(),
  });

  it('are chosen and explained as if each had been asked by name', () => {
    fc.assert(
      fc.property(
        fc.array(natures, { minLength: 1, maxLength: 7 }),
        fc.array(views, { minLength: 1, maxLength: 6 }),
        (made, raw) => {
          const watts = new Map(raw.map(({ watts }, index) => [`m${index}`, watts]));
          const snapshot: Snapshot = {
            devices: made.map((make, index) => make(`d${index}`)),
            deployments: raw.map(({ view }, index) => deployment(`m${index}`, given(view))),
            existing: new Map(
              raw.map(({ existing, occupied }, index) => [
                `m${index}`,
                existing.map((deviceName) => ({ deviceName, occupied, memoryBytes: 60 })),
              ]),
            ),
            option: ({ uid }, { kind }) =>
              kind === 'nano' && uid === 'm1'
                ? { kind: 'refused', verdict: 'ExceedsBudget', message: 'too much' }
                : allowed((watts.get(uid) ?? 1) * (kind === 'pi' ? 1 : 2), { memoryBytes: 60 }),
          };
          const plain = scheduleDeviceByDevice(snapshot);
          const grouped = schedule(snapshot);
          expect(grouped.map(({ deploymentUid, chosen }) => ({ deploymentUid, chosen }))).toEqual(
            plain.map(({ deploymentUid, chosen }) => ({ deploymentUid, chosen })),
          );
          for (const [index, { candidates, candidateCounts }] of grouped.entries()) {
            const explained = plain[index]?.explained ?? new Map();
            const said = candidates.map(({ deviceName, verdict, message }) => ({ deviceName, verdict, message }));
            const expected = [...explained].map(([deviceName, { chosen, refusal }]) => ({
              deviceName,
              verdict: chosen ? 'Chosen' : (refusal?.verdict ?? 'Feasible'),
              message: refusal?.message,
            }));
            const byName = (a: { deviceName: string }, b: { deviceName: string }) => (a.deviceName < b.deviceName ? -1 : 1);
            expect(said.toSorted(byName)).toEqual(expected.toSorted(byName));
            expect(candidateCounts).toEqual(
              Object.fromEntries(
                [...Map.groupBy(expected, ({ verdict }) => verdict)].map(([verdict, all]) => [verdict, all.length]),
              ),
            );
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('decide for a thousand deployments on ten thousand devices in a fraction of what asking each would take', () => {
    let asked = 0;
    const snapshot: Snapshot = {
      devices: Array.from({ length: 10_000 }, (_, index) =>
        device(`d${String(index).padStart(5, '0')}`, { kind: 'pi', labels: { host: String(index) }, memoryBytes: 1000 }),
      ),
      deployments: Array.from({ length: 1000 }, (_, index) => deployment(`m${index}`)),
      existing: new Map(),
      option: () => {
        asked++;
        return allowed(1, { memoryBytes: 100 });
      },
    };
    const decisions = schedule(snapshot);
    expect(new Set(decisions.flatMap(({ chosen }) => chosen)).size).toBe(1000);
    expect(decisions.at(-1)?.candidateCounts).toEqual({ Chosen: 1, Feasible: 9999 });
    expect(asked).toBeLessThan(10_000);
  });
});
