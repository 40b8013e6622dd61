import { describe, expect, it } from 'vitest';
import { Pace } from '../../../agent/enforcement/pace.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('a model that may be busy for a share of the time', () => {
  it('makes requests wait their turn, and tells those whose turn would come too late when to come back', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock);
    pace.set('r1', 0.5);
    // Nothing was used yet: the first runs at once, the second two seconds later, the third would run after four.
    await pace.turn('r1', 1);
    const second = pace.turn('r1', 1);
    await expect(pace.turn('r1', 1)).rejects.toMatchObject({
      kind: 'queueFull',
      retryAfterSeconds: 4,
      message: expect.stringContaining('is throttled to 50 %') as string,
    });
    await clock.advance(2000);
    await second;
  });

  it('asks for no more seconds than the wait is, whatever fractions it was added up from', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock);
    pace.set('r1', 0.1);
    // Three times 0.1 s are 0.30000000000000004 s, and for them at a tenth of the time three seconds have to pass.
    const served = [pace.turn('r1', 0.1), pace.turn('r1', 0.1), pace.turn('r1', 0.1)];
    await expect(pace.turn('r1', 0.1)).rejects.toMatchObject({
      retryAfterSeconds: 3,
      message: expect.stringMatching(/come back in 3 s$/) as string,
    });
    await clock.advance(2000);
    await Promise.all(served);
  });

  it('lets it run again once the time has passed, or the cap is lifted', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock);
    pace.set('r1', 0.1);
    await pace.turn('r1', 0.4);
    await expect(pace.turn('r1', 0.1)).rejects.toThrow('come back in 4 s');
    await clock.advance(4000);
    await pace.turn('r1', 0.4);
    await expect(pace.turn('r1', 0.1)).rejects.toThrow('come back in 4 s');
    pace.lift('r1');
    await pace.turn('r1', 0.1);
    expect(pace.noteOf('r1')).toBeUndefined();
  });

  it('refuses at once whose answer would come too late, and says the share of the smallest cap', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock);
    pace.set('r1', 0.002);
    await pace.turn('r1', 0.002);
    await expect(pace.turn('r1', 0.002, undefined, 500)).rejects.toMatchObject({
      kind: 'queueFull',
      message: expect.stringContaining('throttled to 0.20 % of the time') as string,
    });
    const inTime = pace.turn('r1', 0.002, undefined, 1500);
    await clock.advance(1000);
    await inTime;
  });

  it('takes back what a request that was cancelled while it waited would have used, and calls it cancelled', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock);
    pace.set('r1', 0.5);
    await pace.turn('r1', 1);
    const gone = new AbortController();
    const waiting = pace.turn('r1', 1, gone.signal);
    gone.abort();
    await expect(waiting).rejects.toMatchObject({ kind: 'cancelled' });
    const next = pace.turn('r1', 1);
    await clock.advance(2000);
    await next;
  });
});
