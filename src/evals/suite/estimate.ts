/**
 * `run --dry-run`: which cells would run, and about how long that takes. A model's pace is that of its cells that are kept;
 * where there are none, a few sequences are evaluated to see. Draws that `until` may save are not foreseen.
 */
import { openGeneration } from './generation.js';
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

export interface PlannedCell {
  /** From 1. */
  cell: number;
  model: string;
  dataset: string;
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
  cells.push(...(await plannedTexts(request)));
  cells.sort((a, b) => a.cell - b.cell);
  return { cells, seconds: cells.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) };
}

function planned(one: OpenedCell, pace: number): PlannedCell {
  const { cell, checkpoint, stream, kept, unneeded } = one;
  const { options } = cell;
  const exact = checkpoint.family === 'ar';
  const sequences = Math.min(stream.sequences, options.limit ?? Number.POSITIVE_INFINITY);
  const draws = exact ? 1 : options.draws;
  return {
    cell: cell.index + 1,
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

/** Sampling takes the pace of the model's texts that are kept; it is not tried out. */
async function plannedTexts(request: SuiteRequest): Promise<PlannedCell[]> {
  const planned: PlannedCell[] = [];
  const paces = new Map<string, number>();
  for (const cell of request.cells) {
    if (cell.eval !== 'gen') continue;
    const { kept, request: sampling } = await openGeneration(cell, request);
    const { samples } = cell.generation;
    const steps = sampling?.steps ?? 0;
    const { seconds, nfe } = kept?.samples ?? { seconds: null, nfe: null };
    if (kept && seconds && nfe)
      paces.set(cell.model.name, (seconds + (kept.cost.wallSeconds ?? 0)) / (samples * nfe));
    planned.push({
      cell: cell.index + 1,
      model: cell.model.name,
      dataset: `${sampling?.sampler.sampler.name ?? cell.sampler}, ${steps} steps`,
      seed: cell.seed,
      sequences: samples,
      draws: 1,
      modelCalls: samples * (steps + 1),
      state: sampling === null ? 'not needed' : kept ? 'kept' : 'to run',
      seconds: sampling === null || kept ? 0 : null,
    });
  }
  return planned.map((one) => {
    const pace = paces.get(one.model);
    return one.seconds === null && pace !== undefined ? { ...one, seconds: pace * one.modelCalls } : one;
  });
}
