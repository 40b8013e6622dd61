// The faults, one function each. A fault lasts as long as its function runs and leaves a healthy network and server behind.
import { setTimeout as delay } from 'node:timers/promises';
import { createTestAuthority } from '../control-plane/certificates.ts';
import { type FaultProxy, failure } from '../fault-proxy.ts';
import type { FaultTarget } from './target.ts';
import type { Workload } from './workload.ts';

export interface FaultWorld {
  proxy: FaultProxy;
  target: FaultTarget;
  workload: Workload;
  /** Uniform in [0, 1), the same for the same seed. */
  random: () => number;
  /** The wall clock of the clients jumps by so much; their monotonic one does not. */
  jumpClock: (milliseconds: number) => void;
  /** What clients read from now on; those who have read the old ones must find out by themselves. */
  issueToken: (token: string) => void;
  publishAuthority: (pem: string) => void;
}

export interface FaultCase {
  says: string;
  inject: (world: FaultWorld) => Promise<void>;
  /** What the agent serves is deleted and made anew, not changed. */
  anew?: boolean;
}

const lastsMilliseconds = 1200;

/** Every call has this chance of the fault while the case lasts. */
function sometimes(chance: number, fault: Exclude<ReturnType<FaultProxy['decide']>, undefined>): FaultCase['inject'] {
  return async ({ proxy, random }) => {
    proxy.decide = () => (random() < chance ? fault : undefined);
    await delay(lastsMilliseconds);
    proxy.decide = () => undefined;
  };
}

/** Does something to the network every tenth of a second. */
function again(disturb: (world: FaultWorld) => void | Promise<void>): FaultCase['inject'] {
  return async (world) => {
    for (const end = performance.now() + lastsMilliseconds; performance.now() < end; ) {
      await disturb(world);
      await delay(100);
    }
  };
}

const expired = { kind: 'answer', status: 410, reason: 'Expired' } as const;
const day = 86_400_000;

export const faultCases: readonly FaultCase[] = [
  { says: 'none, to compare with', inject: () => delay(lastsMilliseconds) },
  { says: 'half of all calls answered 500', inject: sometimes(0.5, { kind: 'answer', status: 500, reason: 'InternalError' }) },
  { says: 'every call answered 503', inject: sometimes(1, { kind: 'answer', status: 503, reason: 'ServiceUnavailable' }) },
  {
    says: 'half of all calls answered 429 with Retry-After 1',
    inject: sometimes(0.5, { kind: 'answer', status: 429, reason: 'TooManyRequests', retryAfterSeconds: 1 }),
  },
  { says: 'connections reset before the server hears of the call', inject: sometimes(0.4, { kind: 'cut' }) },
  { says: 'connections reset after the server has done it', inject: sometimes(0.4, { kind: 'cutAfter' }) },
  { says: 'answers late by up to half a second', inject: lateAnswers },
  { says: 'all connections reset, ten times a second', inject: again(({ proxy }) => proxy.cutAll()) },
  { says: 'connections refused', inject: refusal },
  { says: 'silence: nothing passes and nobody is told', inject: silence },
  { says: 'watches end in the middle of a line', inject: again(({ proxy }) => proxy.endWatches('halfLine')) },
  { says: 'watches end properly, ten times a second', inject: again(({ proxy }) => proxy.endWatches('end')) },
  { says: '410 as the status of every watch', inject: expiredWatches },
  {
    says: '410 as an event in a watch',
    inject: again(({ proxy }) => proxy.interject(() => `{"type":"ERROR","object":${failure(410, 'Expired')}}\n`, true)),
  },
  {
    says: '500 as an event in a watch',
    inject: again(({ proxy }) => proxy.interject(() => `{"type":"ERROR","object":${failure(500, 'InternalError')}}\n`, true)),
  },
  { says: 'events repeated late and in reverse order', inject: again(({ proxy }) => proxy.repeatEvents()) },
  { says: 'objects deleted and made anew while watches are cut', inject: recreation, anew: true },
  { says: 'tokens rotated', inject: tokens },
  { says: 'certificate authority rotated', inject: authorities },
  {
    says: 'the clock jumps by a day, forth and back',
    inject: again(({ jumpClock, random }) => jumpClock((random() - 0.5) * day)),
  },
  // The last: kube-controller-manager takes half a minute to sign certificates again, which some of the others ask for.
  { says: 'the server killed and started again', inject: restart },
];

async function lateAnswers({ proxy, random }: FaultWorld): Promise<void> {
  proxy.decide = () => ({ kind: 'delay', milliseconds: random() * 500 });
  await delay(lastsMilliseconds);
  proxy.decide = () => undefined;
}

async function refusal({ proxy }: FaultWorld): Promise<void> {
  await proxy.refuse();
  await delay(lastsMilliseconds);
  await proxy.open();
}

async function silence({ proxy }: FaultWorld): Promise<void> {
  proxy.hold();
  await delay(2 * lastsMilliseconds);
  proxy.letGo();
}

async function expiredWatches({ proxy }: FaultWorld): Promise<void> {
  proxy.decide = ({ watch }) => (watch ? expired : undefined);
  proxy.endWatches('end');
  await delay(lastsMilliseconds);
  proxy.decide = () => undefined;
}

async function recreation({ proxy, workload, random }: FaultWorld): Promise<void> {
  for (let count = 0; count < 8; count += 1) {
    proxy.endWatches('reset');
    await workload.recreateBeside(workload.spareName(random()));
    await delay(100);
  }
}

async function restart({ proxy, target }: FaultWorld): Promise<void> {
  proxy.injected += 1;
  await target.restart();
}

async function tokens({ proxy, issueToken }: FaultWorld): Promise<void> {
  for (let count = 0; count < 3; count += 1) {
    const token = `token-${count}`;
    proxy.token = token; // the old one is worth nothing at once
    issueToken(token);
    proxy.cutAll();
    await delay(lastsMilliseconds / 3);
  }
  proxy.token = undefined;
}

async function authorities({ proxy, publishAuthority }: FaultWorld): Promise<void> {
  for (let count = 0; count < 2; count += 1) {
    const authority = await createTestAuthority(`rotated-${count}`);
    const serving = await authority.issueServer(['127.0.0.1']);
    await proxy.refuse();
    publishAuthority(authority.certificatePem);
    await proxy.open(serving);
    await delay(lastsMilliseconds / 2);
  }
}
