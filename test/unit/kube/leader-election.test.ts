import { beforeEach, describe, expect, test } from 'vitest';
import { LeadershipLostError, runWithLeadership } from '../../../kube/election/leader-election.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLeases } from '../../support/fake-leases.ts';
import { RecordedMetrics } from '../../support/recorded-metrics.ts';
import { silentLogger } from '../../support/silent-logger.ts';

let clock: FakeClock;
let leases: FakeLeases;
/** Who leads at this moment; two names would be the failure this file is about. */
let leading: Set<string>;
let mostLeaders: number;

beforeEach(() => {
  clock = new FakeClock();
  leases = new FakeLeases();
  leading = new Set();
  mostLeaders = 0;
});

interface Candidate {
  stop: AbortController;
  ended: Promise<unknown>;
  metrics: RecordedMetrics;
}

function start(identity: string, lead?: (signal: AbortSignal, mayWrite: () => boolean) => Promise<void>): Candidate {
  const stop = new AbortController();
  const metrics = new RecordedMetrics();
  const work = async (signal: AbortSignal, mayWrite: () => boolean) => {
    leading.add(identity);
    mostLeaders = Math.max(mostLeaders, leading.size);
    try {
      await (lead?.(signal, mayWrite) ??
        new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })));
    } finally {
      leading.delete(identity);
    }
  };
  const deps = { client: leases.client(identity), clock, logger: silentLogger, metrics };
  const options = { namespace: 'a', name: 'lock', identity };
  const ended = runWithLeadership(deps, options, work, stop.signal).catch((error: unknown) => error);
  return { stop, ended, metrics };
}

async function finish(...candidates: Candidate[]): Promise<void> {
  for (const candidate of candidates) candidate.stop.abort();
  await clock.advance(60_000);
  await Promise.all(candidates.map((candidate) => candidate.ended));
  expect(mostLeaders).toBe(1);
  expect(clock.sleeping).toBe(0); // no timer is left behind
}

test('the first candidate leads, renews, and says so', async () => {
  const one = start('one');
  await clock.advance(60_000);
  expect([...leading]).toEqual(['one']);
  expect(leases.lease?.spec).toEqual({
    holderIdentity: 'one',
    leaseDurationSeconds: 11,
    acquireTime: '2026-01-01T00:00:00.000000Z',
    renewTime: '2026-01-01T00:01:00.000000Z',
    leaseTransitions: 0,
  });
  expect(one.metrics.value('leader_election_master_status', { name: 'lock' })).toBe(1);
  expect(leases.calls).toBe(32); // read and create, then one write every two seconds
  await finish(one);
  expect(one.metrics.value('leader_election_master_status', { name: 'lock' })).toBe(0);
});

test('a leader that shuts down gives the lease back, and the next leads within seconds', async () => {
  const one = start('one');
  const two = start('two');
  await clock.advance(30_000);
  const [leader, follower] = leading.has('one') ? [one, two] : [two, one];
  leader.stop.abort();
  await leader.ended;
  expect(leases.lease?.spec?.holderIdentity).toBe('');
  await clock.advance(3000);
  expect(leading.size).toBe(1);
  expect(leases.lease?.spec?.leaseTransitions).toBe(1);
  await finish(follower);
});

test('renewal goes on while the work needs time to stop', async () => {
  const stopped = Promise.withResolvers<void>();
  const one = start('one', () => stopped.promise);
  await clock.advance(4000);
  const two = start('two');
  one.stop.abort();
  await clock.advance(60_000);
  expect([...leading]).toEqual(['one']);
  stopped.resolve();
  await one.ended;
  await clock.advance(3000);
  expect([...leading]).toEqual(['two']);
  await finish(two);
});

describe.each(['refused', 'hanging'] as const)('a leader whose calls are %s', (kind) => {
  test('stops before another may lead; the other leads within fifteen seconds', async () => {
    const one = start('one');
    await clock.advance(20_000);
    const two = start('two');
    await clock.advance(4000);
    leases.partition('one', kind);
    const cutAt = clock.monotonic();
    let takenAfter = 0;
    while (!leading.has('two')) {
      await clock.advance(250);
      takenAfter = (clock.monotonic() - cutAt) / 1000;
      expect(takenAfter).toBeLessThan(14);
    }
    expect(takenAfter).toBeGreaterThan(8);
    expect(await one.ended).toBeInstanceOf(LeadershipLostError);
    expect(mostLeaders).toBe(1);
    await finish(two);
  });

  test('keeps leading when the trouble ends in time', async () => {
    const one = start('one');
    await clock.advance(20_000);
    leases.partition('one', 'refused');
    await clock.advance(5000);
    leases.heal('one');
    await clock.advance(20_000);
    expect([...leading]).toEqual(['one']);
    await finish(one);
  });
});

test('a follower whose connection died in silence takes over within fifteen seconds all the same', async () => {
  const one = start('one');
  await clock.advance(20_000);
  const two = start('two');
  await clock.advance(4000);
  leases.partition('two', 'hanging');
  await clock.advance(3000);
  leases.heal('two'); // for new calls: the one that hangs stays without an answer
  await clock.advance(3000);
  leases.partition('one', 'refused');
  const cutAt = clock.monotonic();
  while (!leading.has('two') && clock.monotonic() - cutAt < 60_000) await clock.advance(250);
  expect((clock.monotonic() - cutAt) / 1000).toBeLessThan(15);
  expect(await one.ended).toBeInstanceOf(LeadershipLostError);
  await finish(two);
});

test('a leader counts from when it sent the last renewal, not from when the answer came', async () => {
  const one = start('one');
  await clock.advance(20_000);
  leases.lateAnswer = () => clock.sleep(6000, new AbortController().signal);
  await clock.advance(2000); // the write is stored at once, its answer comes six seconds later
  const storedAt = clock.monotonic();
  leases.partition('one', 'refused');
  while (leading.has('one')) await clock.advance(250);
  expect((clock.monotonic() - storedAt) / 1000).toBeLessThanOrEqual(8);
  expect(await one.ended).toBeInstanceOf(LeadershipLostError);
});

test('work that does not stop is abandoned when the lease expires, so that the process can end', async () => {
  const one = start('one', () => new Promise(() => undefined));
  await clock.advance(20_000);
  leases.partition('one', 'refused');
  await clock.advance(10_000);
  expect(await Promise.race([one.ended, Promise.resolve('still there')])).toBe('still there');
  await clock.advance(2000);
  expect(await one.ended).toBeInstanceOf(LeadershipLostError);
});

test('a wall clock that jumps makes no leader: only time observed here counts', async () => {
  const one = start('one');
  await clock.advance(10_000);
  const two = start('two');
  await clock.advance(1000);
  clock.jump(3_600_000);
  await clock.advance(10_000);
  clock.jump(-7_200_000);
  await clock.advance(30_000);
  expect([...leading]).toEqual(['one']);
  await finish(one, two);
});

test('a lease that somebody else took is lost at once', async () => {
  const one = start('one');
  await clock.advance(5000);
  const { client, spec } = { client: leases.client('thief'), spec: leases.lease?.spec };
  if (leases.lease === undefined) throw new Error('there must be a lease by now');
  const taken = { ...leases.lease, spec: { ...spec, holderIdentity: 'thief' } };
  await client.replace({ group: '', version: '', kind: '', plural: '', namespaced: true }, taken, { signal: one.stop.signal });
  await clock.advance(3000);
  expect(await one.ended).toBeInstanceOf(LeadershipLostError);
  expect([...leading]).toEqual([]);
});

test('a lease that was deleted under the leader is created again', async () => {
  const one = start('one');
  await clock.advance(5000);
  leases.lease = undefined;
  await clock.advance(6000);
  expect([...leading]).toEqual(['one']);
  expect(leases.lease).toMatchObject({ spec: { holderIdentity: 'one' } });
  await finish(one);
});

test('an error of the work itself comes out, and the lease is given back', async () => {
  const one = start('one', async () => {
    throw new Error('the work failed');
  });
  await clock.advance(1000);
  expect(await one.ended).toMatchObject({ message: 'the work failed' });
  expect(leases.lease?.spec?.holderIdentity).toBe('');
});

test('three candidates, killed and partitioned in turn: never two leaders, soon always one', async () => {
  const names = ['one', 'two', 'three'];
  const candidates = new Map(names.map((name) => [name, start(name)]));
  for (let round = 0; round < 12; round++) {
    await clock.advance(5000 + round * 700);
    const [leader] = leading;
    if (leader === undefined) continue;
    leases.partition(leader, round % 2 === 0 ? 'hanging' : 'refused');
    await clock.advance(20_000);
    expect(leading.size).toBe(1);
    expect(leading.has(leader)).toBe(false);
    leases.heal(leader);
    candidates.set(leader, start(leader)); // a new process under the same name
  }
  await finish(...candidates.values());
});

test('times that make no sense are refused', async () => {
  const deps = { client: leases.client('one'), clock, logger: silentLogger };
  const options = { namespace: 'a', name: 'lock', identity: 'one', leaseSeconds: 5 };
  await expect(runWithLeadership(deps, options, async () => undefined, new AbortController().signal)).rejects.toThrow(
    'leaseSeconds (5) must exceed renewSeconds (8)',
  );
});

describe('a process that was frozen', () => {
  test.each(['while its clocks went on', 'while only wall time went on, as on a suspended machine'])(
    'may not write when it wakes, %s, before any timer has told it',
    async (how) => {
      let mayWrite = () => false;
      const one = start('one', (signal, allowed) => {
        mayWrite = allowed;
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      });
      await clock.advance(20_000);
      expect(mayWrite()).toBe(true);
      if (how === 'while its clocks went on') clock.freeze(20_000);
      else clock.jump(20_000);
      expect(mayWrite()).toBe(false);
      expect([...leading]).toEqual(['one']); // nobody has told it yet
      await clock.advance(4000); // nobody took over meanwhile: it renews, and goes on
      expect(mayWrite()).toBe(how !== 'while its clocks went on');
      await finish(one);
    },
  );
});
