import { stat } from 'node:fs/promises';
import path from 'node:path';
import { it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { createWorld } from './world.ts';

it('an agent ends when it is stopped in the moment in which it has joined', async () => {
  await using world = await createWorld();
  for (let board = 0; board < 12; board += 1) {
    const name = `board-${board}`;
    const agent = await world.startAgent({ name });
    await eventually(() => stat(path.join(world.directory, name, 'identity.json')));
    await agent.stop();
  }
});
