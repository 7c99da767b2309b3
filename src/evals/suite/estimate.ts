/**
 * `run --dry-run`: which cells would run, and about how long that takes. A model's pace is that of its cells that are kept;
 * where there are none, a few sequences are evaluated, or a few steps sampled, to see. Draws that `until` may save are not
 * foreseen.
 */
import { evaluatedOf } from '../perplexity/run.js';
import { planSampling } from './estimate-sampling.js';
import { secondsPerCall } from './pace.js';
import {
  closeCells,
  grouped,
  isMissing,
  type OpenedCell,
  openCells,
  perplexitiesOf,
  type SuiteObserver,
  type SuiteRequest,
} from './run-suite.js';
import type { SuiteCell } from './suite-file.js';

export interface PlannedCell {
  /** From 1. */
  cell: number;
  eval: SuiteCell['eval'];
  /** Its name; how many there are where they are several. */
  model: string;
  /** Or how texts are drawn. */
  dataset: string;
  /** Of what draws, where there is one sampler. */
  samplerOptions?: Readonly<Record<string, unknown>>;
  seed: number | null;
  sequences: number;
  draws: number;
  /** At most. */
  modelCalls: number;
  state: 'kept' | 'not needed' | 'to run';
  /** Of what is to run; 0 for what is kept, null where nothing is known yet. */
  seconds: number | null;
}

export interface SuitePlan {
  cells: PlannedCell[];
  /** Of those that are known. */
  seconds: number;
}

export async function planSuite(request: SuiteRequest, observer: SuiteObserver): Promise<SuitePlan> {
  const cells: PlannedCell[] = [];
  for (const group of grouped(perplexitiesOf(request.cells), ({ model }) => model.name)) {
    const opened = await openCells(group, request, observer);
    try {
      const missing = opened.filter(isMissing);
      const pace =
        missing.length === 0
          ? 0
          : (keptPace(opened) ?? (await secondsPerCall(missing[0], request, observer)));
      cells.push(...opened.map((one) => planned(one, pace)));
    } finally {
      closeCells(opened);
    }
  }
  cells.push(...(await planSampling(request, observer)));
  cells.sort((a, b) => a.cell - b.cell);
  return { cells, seconds: cells.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) };
}

function planned(one: OpenedCell, pace: number): PlannedCell {
  const { cell, checkpoint, stream, kept, unneeded } = one;
  const { options } = cell;
  const exact = checkpoint.family === 'ar';
  const sequences = evaluatedOf(stream, options);
  const draws = exact ? 1 : options.draws;
  return {
    cell: cell.index + 1,
    eval: 'ppl',
    model: cell.model.name,
    dataset: cell.dataset.name,
    seed: exact ? null : options.seed,
    sequences,
    draws,
    modelCalls: sequences * draws,
    state: unneeded ? 'not needed' : kept ? 'kept' : 'to run',
    seconds: !isMissing(one) ? 0 : sequences * draws * pace,
  };
}

/** Seconds a call of the cells that are kept; null where none took any. */
function keptPace(opened: readonly OpenedCell[]): number | null {
  let [seconds, calls] = [0, 0];
  for (const { kept } of opened) {
    seconds += kept?.cost.wallSeconds ?? 0;
    calls += kept?.cost.modelCalls ?? 0;
  }
  return calls > 0 && seconds > 0 ? seconds / calls : null;
}
