/**
 * Exact likelihoods of masked models under several unmasking policies: perplexity against NFE, which is the quality of few-step
 * samplers without a judge and without noise from sampling. Models that have no order to choose stand beside them: ar exactly,
 * uniform states with their bound.
 */
import { isMasked } from '../../models/family.js';
import { type Observer, partOf, partsOf } from '../../observer.js';
import { resultsFile } from '../../records/record.js';
import type { ModelAndStream, PerplexityRequest } from './cells.js';
import { errorsOverText } from './errors-over-text.js';
import {
  checkAnyOrder,
  checkLikelihood,
  type ExactLikelihood,
  likelihoodRecord,
  policyText,
} from './exact-likelihood.js';
import type { KnownOrders } from './policy-session.js';
import { type PerplexityRun, type RunSinks, runPerplexity } from './run.js';

/** One row per data set, model and policy. @throws as runPerplexity, and UsageError where no model has an order to choose */
export async function runPolicies(
  request: PerplexityRequest,
  cells: readonly ModelAndStream[],
  likelihoods: readonly ExactLikelihood[],
  observer: Observer & RunSinks,
): Promise<PerplexityRun> {
  const { checkpoints, options } = request;
  const ordered = checkpoints.filter(({ family }) => isMasked(family));
  checkAnyOrder(ordered.length > 0 ? ordered : checkpoints);
  for (const { checkpoint, stream } of cells)
    for (const likelihood of likelihoods)
      if (ordered.includes(checkpoint)) checkLikelihood(checkpoint, stream, likelihood);
  const parts = [
    ...likelihoods.map((likelihood) => ({ checkpoints: ordered, likelihood })),
    { checkpoints: checkpoints.filter((one) => !ordered.includes(one)), likelihood: null },
  ].filter((part) => part.checkpoints.length > 0);
  const runs: PerplexityRun[] = [];
  const knownOrders: KnownOrders = new Map();
  const close = () => {
    for (const run of runs) run.close();
  };
  try {
    const shares = partsOf(parts.map(({ likelihood }) => (likelihood ? 1 / likelihood.tokensPerCall : 0)));
    for (const [i, { checkpoints: some, likelihood }] of parts.entries()) {
      const policy = likelihood === null ? '' : `, ${policyText(likelihoodRecord(likelihood, null))}`;
      const part = { ...shares[i], named: (work: string) => `${work}${policy}` };
      runs.push(
        await runPerplexity(
          {
            ...request,
            knownOrders,
            checkpoints: some,
            options: { ...options, likelihood, sequences: true },
          },
          cells.filter(({ checkpoint }) => some.includes(checkpoint)),
          partOf(observer, part),
        ),
      );
    }
  } catch (error) {
    close();
    throw error;
  }
  const datasets = [...new Set(cells.map(({ stream }) => stream.name))];
  const rows = runs
    .flatMap(({ results }) => results.results)
    .sort((a, b) => datasets.indexOf(a.dataset.name) - datasets.indexOf(b.dataset.name));
  const together = errorsOverText(rows).results.map(({ sequences, ...row }) => ({
    ...row,
    ...(options.sequences && { sequences }),
  }));
  return {
    // Pairs of rows would be many, and of one name; compare and gate pair files.
    results: resultsFile(together),
    finish() {
      for (const run of runs) run.finish();
    },
    close,
  };
}
