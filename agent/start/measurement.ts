// What measures the energy of models: baselines of the idle device, windows of operation, controlled loops.
import type { Clock } from '../../kube/runtime/clock.ts';
import { type BudgetJudge, createBudgetJudge } from '../enforcement/budget-judge.ts';
import { Pace } from '../enforcement/pace.ts';
import { createThrottleNote, type ThrottleNote } from '../enforcement/throttle-note.ts';
import { DeviceTurn, LiveLoad } from '../measurement/device-turn.ts';
import { EnergyBook } from '../measurement/energy-book.ts';
import { IdleBaselines } from '../measurement/idle-baseline.ts';
import type { AgentOptions } from '../options.ts';
import type { LearnedRecord } from '../record/learned-record.ts';
import { PowerLedger } from '../record/power-ledger.ts';
import type { InferenceObserver } from '../serving/served-model.ts';
import type { Board } from './board.ts';

export interface Measurement {
  live: LiveLoad;
  turn: DeviceTurn;
  baselines: IdleBaselines;
  book: EnergyBook;
  ledger: PowerLedger;
  judge: BudgetJudge;
  pace: Pace;
  throttleNote: ThrottleNote;
  /** Told of every inference on this device, and of every load. */
  observer: InferenceObserver;
  windowSeconds: number;
}

const defaultWindowSeconds = 10;

/** @param deviceClassName of this device, once the control plane has said it. */
export function createMeasurement(
  options: AgentOptions,
  deps: { clock: Clock; board: Board; learned: LearnedRecord; deviceClassName: () => string | undefined },
): Measurement {
  const { clock, board, learned, deviceClassName } = deps;
  const { power, telemetry, deposits } = board;
  const windowSeconds = options.windowSeconds ?? defaultWindowSeconds;
  const live = new LiveLoad(clock);
  let lastInference = Number.NEGATIVE_INFINITY;
  const baselines = new IdleBaselines(
    {
      clock,
      lastInference: () => (live.preparing ? clock.monotonic() : lastInference),
      temperature: () => telemetry.temperature,
      partSeconds: windowSeconds / 5,
    },
    learned.baselines,
  );
  const book = new EnergyBook({ power, clock, deviceClassName });
  book.restore(learned.windows);
  const ledger = new PowerLedger(learned.power);
  const pace = new Pace(clock);
  return {
    live,
    turn: new DeviceTurn(),
    baselines,
    book,
    ledger,
    judge: createBudgetJudge({ clock, book, ledger, power, deviceClassName }),
    pace,
    throttleNote: createThrottleNote({ pace, power, baselines }),
    observer: {
      onInference: (model, result) => {
        lastInference = clock.monotonic();
        live.inferences++;
        deposits?.onInference(model, result);
      },
      onPreparation: () => {
        const preparation = live.prepare();
        return {
          [Symbol.dispose]: () => {
            preparation[Symbol.dispose]();
            lastInference = clock.monotonic();
          },
        };
      },
    },
    windowSeconds,
  };
}
