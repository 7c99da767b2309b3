/** `--dry-run`: what a run would do, without a model call. */

import { blockSizeOf, callsPerDraw } from '../../models/family.js';
import type { Provider } from '../../models/provider.js';
import { plainText } from '../../terminal-text.js';
import type { ModelAndStream, PerplexityRequest } from './cells.js';
import { callsOfSequence, likelihoodOf } from './exact-likelihood.js';
import { evaluatedOf } from './run.js';

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
}

export interface PerplexityPlan {
  protocol: 'duo' | 'strict';
  provider: Provider;
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

/** One line per model and data set. */
export function planText({ protocol, provider, cells }: PerplexityPlan): string {
  const lines = cells.map(
    ({ model, family, dataset, sequences, length, draws, policy, modelCalls }) =>
      `${plainText(model)} (${family}) on ${plainText(dataset)}: ${sequences} sequences of ${length} tokens, ` +
      `${policy ? `exactly under ${policy}` : `${draws} draw${draws === 1 ? '' : 's'} each`}, ${modelCalls} model calls at most`,
  );
  return [`Protocol ${protocol}, provider ${provider}:`, ...lines].join('\n');
}
