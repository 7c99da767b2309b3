/** `--dry-run`: what a run would do, and about how long it takes. */

import type { PackedStream } from '../../datasets/packed-stream.js';
import { batchOf } from '../../models/batch-limit.js';
import { blockSizeOf, callsPerDraw } from '../../models/family.js';
import type { Placement } from '../../models/provider.js';
import type { Observer } from '../../observer.js';
import { about } from '../../printing/numbers.js';
import { plainText } from '../../terminal-text.js';
import type { ModelAndStream, PerplexityRequest } from './cells.js';
import { callsOfSequence, likelihoodOf } from './exact-likelihood.js';
import { LossSession } from './loss-session.js';
import { evaluatedOf } from './run.js';
import { type PerplexityOptions, zeroShotPerplexity } from './zero-shot-perplexity.js';

/** A model on a data set. */
interface PlannedCell {
  model: string;
  family: string;
  dataset: string;
  sequences: number;
  length: number;
  draws: number;
  /** The unmasking policy of an exact likelihood. */
  policy?: string;
  /** An upper bound: masked sequences without a mask need no call, and a threshold reveals more per call. */
  modelCalls: number;
  /** About, at the pace of a few sequences on this machine; where it was tried. */
  seconds?: number;
}

export interface PerplexityPlan {
  protocol: 'duo' | 'strict';
  provider: Placement;
  cells: PlannedCell[];
}

export function planOf(
  cells: readonly ModelAndStream[],
  { options, provider }: PerplexityRequest,
): PerplexityPlan {
  return {
    protocol: options.protocol,
    provider,
    cells: cells.map(({ checkpoint, stream }) => {
      const sequences = evaluatedOf(stream, options);
      const likelihood = likelihoodOf(checkpoint, options);
      const exact = checkpoint.family === 'ar' || likelihood !== null;
      const draws = exact ? 1 : options.draws;
      const calls =
        likelihood === null
          ? draws * callsPerDraw(checkpoint.family)
          : callsOfSequence(stream.length, likelihood, blockSizeOf(checkpoint));
      return {
        model: checkpoint.name,
        family: checkpoint.family,
        dataset: stream.name,
        sequences,
        length: stream.length,
        draws,
        modelCalls: sequences * calls,
        ...(likelihood && { policy: likelihood.order }),
      };
    }),
  };
}

/** The plan with seconds: every model is started once, and evaluates a few sequences of each length and data set. */
export async function timedPlan(
  cells: readonly ModelAndStream[],
  request: PerplexityRequest,
  observer: Observer,
): Promise<PerplexityPlan> {
  const plan = planOf(cells, request);
  const { provider, threads, timeoutMs, options } = request;
  const timed: PlannedCell[] = [];
  for (const checkpoint of new Set(cells.map((cell) => cell.checkpoint))) {
    const session = await LossSession.start({
      checkpoint,
      provider,
      threads,
      timeoutMs,
      notice: observer.warn,
    });
    try {
      for (const [i, { stream, ...cell }] of cells.entries()) {
        if (cell.checkpoint !== checkpoint) continue;
        const pace = await secondsPerCall(session, stream, options, observer);
        timed[i] = { ...plan.cells[i], seconds: plan.cells[i].modelCalls * pace };
      }
    } finally {
      await session.close();
    }
  }
  return { ...plan, cells: timed };
}

/** From a few sequences; the first batch does not count. Positions that a policy has filled are not left out here. */
export async function secondsPerCall(
  session: LossSession,
  stream: PackedStream,
  options: PerplexityOptions,
  { signal }: Observer,
): Promise<number> {
  const batch = batchOf(session.checkpoint, stream.length, options.batch);
  const evaluate = async (sequences: number) => {
    const one = { draws: 1, until: null, sequences: false, estimator: 'plain', likelihood: null } as const;
    const selection = { kind: 'first', count: sequences } as const;
    const evaluated = await zeroShotPerplexity(
      session,
      stream,
      { ...options, ...one, selection },
      { signal },
    );
    evaluated.losses.close();
    return evaluated;
  };
  await evaluate(batch);
  const { wallSeconds, sequences } = await evaluate(2 * batch);
  return wallSeconds / Math.max(1, sequences);
}

/** One line per model and data set, and the time of all. */
export function planText({ protocol, provider, cells }: PerplexityPlan): string {
  const lines = cells.map(
    ({ model, family, dataset, sequences, length, draws, policy, modelCalls, seconds }) =>
      `${plainText(model)} (${family}) on ${plainText(dataset)}: ${sequences} sequences of ${length} tokens, ` +
      `${policy ? `exactly under ${policy}` : `${draws} draw${draws === 1 ? '' : 's'} each`}, ${modelCalls} model calls at most` +
      `${seconds === undefined ? '' : `, ${about(seconds)}`}`,
  );
  const total = cells.reduce((sum, { seconds = 0 }) => sum + seconds, 0);
  const end = cells.length > 1 && total > 0 ? [`${about(total)} in all`.replace(/^a/, 'A')] : [];
  return [`Protocol ${protocol}, provider ${provider}:`, ...lines, ...end].join('\n');
}
