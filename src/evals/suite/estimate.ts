/**
 * `run --dry-run`: which cells would run, and about how long that takes. A model's pace comes from its kept cells;
 * where there are none, it is timed on a few sequences, or a few sampling steps. Draws that `until` may save are not predicted.
 */

import { LossSession } from '../perplexity/loss-session.js';
import { evaluatedOf } from '../perplexity/run.js';
import { defaultBatch, zeroShotPerplexity } from '../perplexity/zero-shot-perplexity.js';
import { type PlannedCell, planSampling } from './estimate-sampling.js';
import {
  closeCells,
  grouped,
  isMissing,
  type OpenedCell,
  openCells,
  perplexitiesOf,
  type SuiteRequest,
} from './run-suite.js';
import type { SuiteObserver } from './suite-settings.js';

export interface SuitePlan {
  cells: PlannedCell[];
  /** Total of the known estimates. */
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

/** Seconds per model call over kept cells; null where they made no calls. */
function keptPace(opened: readonly OpenedCell[]): number | null {
  let [seconds, calls] = [0, 0];
  for (const { kept } of opened) {
    seconds += kept?.cost.wallSeconds ?? 0;
    calls += kept?.cost.modelCalls ?? 0;
  }
  return calls > 0 && seconds > 0 ? seconds / calls : null;
}

/** Seconds per model call, from evaluating a few sequences; the first batch does not count. */
async function secondsPerCall(
  { checkpoint, stream, cell }: OpenedCell,
  { provider, threads, timeoutMs }: SuiteRequest,
  { warn, signal }: SuiteObserver,
): Promise<number> {
  const session = await LossSession.start({ checkpoint, provider, threads, timeoutMs, notice: warn });
  try {
    const batch =
      checkpoint.signature.fixedBatch ??
      cell.options.batch ??
      defaultBatch(stream.length, checkpoint.vocabSize);
    const evaluate = (count: number) =>
      zeroShotPerplexity(
        session,
        stream,
        {
          ...cell.options,
          draws: 1,
          until: null,
          sequences: false,
          estimator: 'plain',
          selection: { kind: 'first', count },
        },
        { signal },
      );
    (await evaluate(batch)).losses.close();
    const measured = await evaluate(2 * batch);
    measured.losses.close();
    return measured.wallSeconds / Math.max(1, measured.sequences);
  } finally {
    await session.close();
  }
}
