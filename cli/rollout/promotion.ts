// Which step `promote` lets pass, and whether there is anything to abort. Pure.
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { ClassLine } from './classes.ts';

const describe = (lines: readonly ClassLine[]) =>
  lines.map(({ deviceClassName, step, stage }) => `${deviceClassName} (step ${step}, ${stage})`).join(', ');

/** @throws CommandError when nothing waits there, or when it is not clear which of several steps is meant. */
export function stepToPromote(lines: readonly ClassLine[], asked: number | undefined): number {
  const refuse = (message: string, next: string) => new CommandError(message, next, { exitCode: exitCodes.negative });
  const waiting = lines.filter(({ stage }) => stage === 'gate' || stage === 'verdict');
  const testing = lines.filter(({ stage }) => stage === 'testing');
  if (asked !== undefined) {
    if ([...waiting, ...testing].some(({ step }) => step === asked)) return asked;
    throw refuse(`nothing waits or is tested at step ${asked}: ${describe(lines)}`, '"jouleops rollout status" shows the steps');
  }
  const steps = [...new Set(waiting.map(({ step }) => step))].sort((a, b) => a - b);
  const [only] = steps;
  if (only !== undefined && steps.length === 1) return only;
  if (only !== undefined)
    throw refuse(`classes wait at different steps: ${describe(waiting)}`, `name one: --step ${steps.join(' or --step ')}`);
  if (testing.length > 0)
    throw refuse(
      `nothing waits for a person; being tested: ${describe(testing)}`,
      `wait for the verdict, or let it pass without one: --step ${testing[0]?.step ?? 0}`,
    );
  throw refuse('nothing waits for a person', '"jouleops rollout status" shows what it waits for');
}
