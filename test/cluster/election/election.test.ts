import { describe, expect, test } from 'vitest';
import type { Connection } from '../../../kube/api/connection.ts';
import { findBinaries } from '../../support/control-plane/binaries.ts';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { startControlPlane } from '../../support/control-plane.ts';
import { ElectionFleet, type Replica } from '../../support/election/fleet.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestServer } from '../../support/standalone.ts';

/** From the moment when a leader is lost to the first write of its successor. */
const handoverSeconds = 15;

interface Target {
  admin: Connection;
  stop(): Promise<void>;
}

async function startEmbedded(): Promise<Target> {
  const test = await startTestServer();
  return { admin: test.server.admin, stop: () => test.close() };
}

/** Not the shared one: these controllers would reconcile what other tests put there. */
async function startReal(): Promise<Target> {
  const binaries = await findBinaries();
  if (binaries.kind === 'absent') throw new Error(binaries.reason);
  const plane = await startControlPlane({ binaries });
  return { admin: plane.connection, stop: () => plane.stop() };
}

describe('three controllers', () => {
  const targets = [{ name: 'the embedded server', start: startEmbedded, skip: false }].concat({
    name: 'a real API server',
    start: startReal,
    skip: sharedControlPlane() === undefined,
  });

  for (const { name, start, skip } of targets) {
    test.skipIf(skip).concurrent(`on ${name}: killed, frozen, cut off, and never two of them write`, async ({ expect }) => {
      const target = await start();
      const signal = AbortSignal.timeout(110_000);
      try {
        await using fleet = new ElectionFleet(target.admin, signal);
        await fleet.prepare(12);
        await Promise.all([fleet.start(), fleet.start(), fleet.start()]);
        fleet.keepChanging();
        const first = await eventually(() => fleet.leader(), 20);
        await eventually(() => expect(fleet.writesOf(first).length).toBeGreaterThan(20), 20);

        const killedAt = performance.now();
        await first.process.kill();
        const second = await successorOf(first, killedAt, fleet);
        await fleet.start();

        const frozenAt = performance.now();
        second.process.signal('SIGSTOP');
        const third = await successorOf(second, frozenAt, fleet);
        const thawedAt = performance.now();
        second.process.signal('SIGCONT');
        await eventually(() => expect(second.process.child.exitCode, second.process.logTail()).toBe(1), 10);
        expect(fleet.writesOf(second, thawedAt).map(({ what }) => what)).toEqual([]);

        const cutAt = performance.now();
        third.proxy.hold();
        const fourth = await successorOf(third, cutAt, fleet);
        third.proxy.letGo();
        await eventually(() => expect(third.process.child.exitCode, third.process.logTail()).toBe(1), 10);

        await fleet.rest();
        await eventually(async () => expect(await fleet.behind()).toEqual([]), 10);
        expect(fleet.turns()).toEqual([first, second, third, fourth].map((replica) => fleet.replicas.indexOf(replica)));
      } finally {
        await target.stop();
      }
    });
  }
});

/** Waits for the first write of another replica; it must come in time, and without reading the world anew. */
async function successorOf(lost: Replica, lostAt: number, fleet: ElectionFleet): Promise<Replica> {
  const followers = fleet.replicas.filter((replica) => replica !== lost && replica.process.running);
  const write = await eventually(() => {
    const found = fleet.writes.find(({ replica, at }) => followers.includes(replica) && at > lostAt);
    if (!found) throw new Error(`nobody writes:\n${followers.map(({ process }) => process.logTail(3)).join('\n')}`);
    return found;
  }, handoverSeconds + 10);
  const seconds = (write.at - lostAt) / 1000;
  process.stdout.write(`handover after ${seconds.toFixed(1)} s\n`);
  expect(seconds).toBeLessThan(handoverSeconds);
  // The lease, and the classes that a leader makes when they are not there.
  const own = /\/leases\/|\/deviceclasses /;
  const lists = fleet.reads.filter(
    ({ replica, at, what }) => replica === write.replica && at > lostAt && at < write.at && !own.test(what),
  );
  expect(lists.map(({ what }) => what)).toEqual([]);
  return write.replica;
}
