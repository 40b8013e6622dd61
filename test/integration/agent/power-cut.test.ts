// The power goes at every operation on the disk; the agent is started again without a network and serves what served last.
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceIdentity } from '../../../agent/identity/device-identity.ts';
import { type Life, liveThrough } from '../../support/power-cut/life.ts';
import { cuts, sha256Of, type Tree } from '../../support/power-cut/medium.ts';
import { restartOn } from '../../support/power-cut/restart.ts';
import { type CutState, type CutStates, cutEverywhere, describeState } from '../../support/power-cut/states.ts';
import { createWorld } from './world.ts';

/** States on which a whole agent is started; all of them with `CUTS=all` and in `npm run bench -- power-cut`. */
const restarts = process.env['CUTS'] === 'all' ? Number.POSITIVE_INFINITY : Number(process.env['CUTS'] ?? 16);
/** The goal is three seconds, which the bench measures; a machine with other work gets more here. */
const patienceSeconds = 15;

describe('a cut of the power', () => {
  let life: Life;
  let states: CutStates;
  const mayServe = (after: number) => life.marks.findLast((mark) => mark.from <= after)?.mayServe ?? [];
  const textOf = (tree: Tree, file: string) => tree.get(path.join(life.name, file))?.content.toString('utf8');
  const say = (state: CutState) => describeState(state, life.operations);

  beforeAll(async () => {
    const world = await createWorld();
    try {
      life = await liveThrough(world);
    } finally {
      await world[Symbol.asyncDispose]();
    }
    states = cutEverywhere(life.operations, mayServe);
  });
  afterAll(() => {
    expect(states.points).toBeGreaterThan(300);
  });

  it('leaves each file of the agent whole: as it was, or as it became', () => {
    for (const state of states.distinct)
      for (const file of ['desired.json', 'learned.json', 'identity.json', 'agent.json']) {
        const text = textOf(state.tree, file);
        if (text !== undefined) expect(() => JSON.parse(text) as unknown, `${file}, ${say(state)}`).not.toThrow();
      }
  });

  it('leaves no blob that is not what its name says', () => {
    const blobs = path.join(life.name, 'artifacts/blobs/sha256');
    for (const state of states.distinct)
      for (const [name, file] of state.tree) {
        if (file && path.dirname(name) === blobs) expect(sha256Of(file.content), say(state)).toBe(path.basename(name));
      }
  });

  it('leaves all files of a model that may serve', () => {
    const nameOf = (digest: string) => path.join(life.name, 'artifacts/blobs/sha256', digest.replace('sha256:', ''));
    for (const state of states.distinct) {
      const versions = mayServe(state.after);
      const isWhole = (version: string) => life.files.get(version)?.every((digest) => state.tree.has(nameOf(digest))) === true;
      if (versions.length > 0) expect(versions.filter(isWhole), say(state)).not.toHaveLength(0);
    }
  });

  it('never loses the key that the controller has bound the name to', () => {
    const identityAt = (state: CutState) => {
      const text = textOf(state.tree, 'identity.json');
      return text === undefined ? undefined : (JSON.parse(text) as DeviceIdentity);
    };
    const writesOfIdentity = life.operations.flatMap((operation, index) =>
      operation.kind === 'create' && path.basename(operation.file).startsWith('.identity.json.') ? [index] : [],
    );
    expect(writesOfIdentity).toHaveLength(2);
    for (const state of states.distinct) {
      const identity = identityAt(state);
      if (identity) expect(new X509Certificate(identity.certificate).publicKey.type, say(state)).toBe('public');
      for (const [at, { key }] of [
        [writesOfIdentity[0], life.first],
        [writesOfIdentity[1], life.renewed],
      ] as const) {
        const isBound = at !== undefined && state.after >= at;
        const isLast = writesOfIdentity.findLast((index) => index <= state.after) === at;
        if (isBound && isLast) expect([identity?.key, textOf(state.tree, 'pending-key.pem')], say(state)).toContain(key);
      }
    }
  });

  it('is followed by a start that serves the last model that served, with no server to reach', {
    timeout: 1_800_000,
  }, async () => {
    const due = states.distinct.filter((state) => mayServe(state.after).length > 0);
    // As many of each kind of cut, spread over the whole life.
    const chosen = cuts.flatMap((cut) => {
      const own = due.filter((state) => state.cut === cut);
      const every = Math.max(1, Math.ceil((own.length * cuts.length) / restarts));
      return own.filter((_, index) => index % every === 0);
    });
    for (const state of chosen) {
      const { served } = await restartOn(state.tree, life, patienceSeconds);
      expect(mayServe(state.after), say(state)).toContain(served);
    }
  });
});
