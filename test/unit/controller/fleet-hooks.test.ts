// What a webhook call costs and is believed, with a server that answers or does not.
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createHookReceiver } from '../../../controller/fleet/webhook.ts';
import type { FleetRepository } from '../../../crds/fleet-repository.ts';
import { ApiError, ConnectionError } from '../../../kube/api/api-error.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const { signal } = new AbortController();
const repository: Stored<FleetRepository> = {
  apiVersion: 'v',
  kind: 'FleetRepository',
  metadata: {
    name: 'fleet',
    namespace: 'home',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    generation: 1,
  },
  spec: { url: 'https://git.example.org/fleet', webhookSecretName: 'hook' },
};
const body = Buffer.from('{}');
const signed = { 'x-hub-signature-256': `sha256=${createHmac('sha256', 'key').update(body).digest('hex')}` };

/** @param answers to the reads of the Secret, one after the other; the last one again and again */
function receiver(answers: readonly (Error | string)[]) {
  const clock = new FakeClock();
  const calls = { reads: 0, patches: 0 };
  const receive = createHookReceiver({
    clock,
    allowPaths: false,
    repositories: { get: (key) => (key === 'home/fleet' ? repository : undefined) },
    client: {
      get: () => {
        const answer = answers[Math.min(calls.reads++, answers.length - 1)];
        if (typeof answer !== 'string') return Promise.reject(answer ?? new Error('none'));
        return Promise.resolve({ data: { token: Buffer.from(answer).toString('base64') } } as never);
      },
      patch: () => {
        calls.patches++;
        return Promise.resolve(repository as never);
      },
    },
  });
  return { calls, clock, call: (headers = {}, name = 'fleet') => receive({ namespace: 'home', name, headers, body }, signal) };
}

describe('a webhook call', () => {
  it('is believed as soon as the server answers again', async () => {
    const { call, calls } = receiver([new ConnectionError('ECONNREFUSED', 'refused', undefined), 'key']);
    expect(await call(signed)).toBe('refused');
    expect(await call(signed)).toBe('accepted');
    expect(calls).toEqual({ reads: 2, patches: 1 });
  });

  it('without a right signature costs the server one read in ten seconds, whether there is a key or not', async () => {
    for (const answer of ['key', new ApiError({ status: 404, reason: 'NotFound', message: 'no such Secret' })]) {
      const { call, calls, clock } = receiver([answer]);
      for (let attempt = 0; attempt < 50; attempt++) expect(await call({ 'x-gitlab-token': 'guess' })).toBe('refused');
      expect(calls).toEqual({ reads: 1, patches: 0 });
      await clock.advance(10_001);
      await call();
      expect(calls.reads).toBe(2);
    }
  });

  it('with an empty key in the Secret is never believed', async () => {
    const { call } = receiver(['']);
    expect(await call({ 'x-gitlab-token': '' })).toBe('refused');
    expect(await call({ 'x-hub-signature-256': `sha256=${createHmac('sha256', '').update(body).digest('hex')}` })).toBe(
      'refused',
    );
  });
});
