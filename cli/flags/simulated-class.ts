import { hiddenBoards } from '../../agent/power/simulated/hidden-board.ts';
import { usageError } from '../exit-codes.ts';

/** Before anything is started: an agent that cannot simulate its board ends at once. */
export function checkSimulatedClass(className: string): void {
  const known = Object.keys(hiddenBoards);
  if (!known.includes(className))
    throw usageError(`--simulate ${className}: this board cannot be simulated`, `use one of: ${known.join(', ')}`);
}
