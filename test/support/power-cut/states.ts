// Every state of the disk that a cut in an agent's life can leave, each once.
import { type Cut, cuts, fingerprint, Medium, type Tree } from './medium.ts';
import { describeOperation, type Operation } from './operations.ts';

export interface CutState {
  /** How many operations were done. */
  after: number;
  /** Of a write, only its first half was done. */
  halfOf?: Operation;
  cut: Cut;
  tree: Tree;
}

export interface CutStates {
  /** Points at which was cut, each in every way. */
  points: number;
  /** What differs on the disk. Of equal states that differ in what may serve, each is kept. */
  distinct: CutState[];
}

/** @param mayServe which versions may serve after a cut behind so many operations. */
export function cutEverywhere(operations: readonly Operation[], mayServe: (after: number) => readonly string[]): CutStates {
  const medium = new Medium();
  const distinct = new Map<string, CutState>();
  let points = 0;
  const cutHere = (after: number, halfOf?: Operation) => {
    points++;
    for (const cut of cuts) {
      const tree = medium.after(cut);
      const key = `${fingerprint(tree)} ${mayServe(after).join()}`;
      if (!distinct.has(key)) distinct.set(key, { after, cut, tree, ...(halfOf === undefined ? {} : { halfOf }) });
    }
  };
  cutHere(0);
  for (const [index, operation] of operations.entries()) {
    if (operation.kind === 'write' && operation.bytes.length > 1) {
      medium.apply({ ...operation, bytes: operation.bytes.subarray(0, operation.bytes.length >> 1) });
      cutHere(index, operation);
    }
    medium.apply(operation);
    cutHere(index + 1);
  }
  return { points, distinct: [...distinct.values()] };
}

export function describeState({ after, cut, halfOf }: CutState, operations: readonly Operation[]): string {
  const last = operations[after - 1];
  const where = halfOf
    ? `in the middle of: ${describeOperation(halfOf)}`
    : `after: ${last ? describeOperation(last) : 'nothing'}`;
  return `${cut}, operation ${after} of ${operations.length}, ${where}`;
}
