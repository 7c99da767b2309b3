/**
 * Intervals of whole evaluations, from packed text through session, journal and record, on a source with a mean known in closed
 * form: documents of two topics, each of independent tokens, under a model that knows one topic better than the other.
 */
import { packedTokens } from '../../datasets/packed-tokens.js';
import {
  drawFromChain,
  independentTokens,
  type MarkovChain,
  markovChain,
} from '../../models/sources/markov.js';
import { ratio } from '../../statistics/ratio.js';
import { runPerplexity } from '../perplexity/run.js';
import { type IntervalCheck, judgeCoverage } from './interval-record.js';
import { Draws, holds } from './interval-sources.js';
import { exactCheckpoint } from './run.js';

/** Two topics, and a model that knows the first better. */
const topics = [independentTokens([0.4, 0.3, 0.2, 0.1]), independentTokens([0.1, 0.2, 0.3, 0.4])] as const;
const known: MarkovChain = markovChain(
  [0.25, 0.25, 0.25, 0.25],
  [
    ...[0.35, 0.3, 0.2, 0.15],
    ...[0.4, 0.25, 0.2, 0.15],
    ...[0.3, 0.3, 0.25, 0.15],
    ...[0.35, 0.25, 0.25, 0.15],
  ],
);
const EVALUATED_LENGTH = 16;

/** Documents of one topic each, evaluated as by `ppl`. Every token after the first is scored. */
export async function wholeEvaluations(
  evaluations: number,
  seed: number,
  signal?: AbortSignal,
): Promise<IntervalCheck> {
  const checkpoint = exactCheckpoint({ name: 'known', chain: known }, 'ar', null);
  const cost = (p: ArrayLike<number>) => {
    let nats = 0;
    for (let x = 0; x < 4; x++)
      for (let y = 0; y < 4; y++) nats -= p[x] * p[y] * Math.log(known.transition[4 * x + y]);
    return nats;
  };
  const truth = topics.reduce((sum, { initial }) => sum + cost(initial) / topics.length, 0);
  const count = { covered: 0, formerly: 0 };
  for (let r = 0; r < evaluations; r++) {
    const draws = new Draws(seed, 2 ** 30 + r);
    const [choices, lengths] = [draws.uniforms(40), draws.uniforms(40)];
    const documents = [...lengths].flatMap((u, d) => Array<number>(2 + Math.floor(7 * u)).fill(d));
    const sequences = documents.map((d) =>
      drawFromChain(topics[choices[d] < 0.5 ? 0 : 1], draws.uniforms(EVALUATED_LENGTH)),
    );
    const stream = packedTokens('simulated', sequences, documents);
    const request = {
      ...{ checkpoints: [checkpoint], datasets: [], provider: 'cpu' as const, threads: 1, fresh: true },
      options: {
        ...({ protocol: 'duo', draws: 1, seed: 1, estimator: 'plain', until: null, batch: null } as const),
        sequences: true,
      },
    };
    const { results, finish } = await runPerplexity(request, [{ checkpoint, stream }], { signal });
    finish();
    const [row] = results.results;
    if (holds(row.metrics.nll.ci95, truth)) count.covered++;
    // `sequences: true` above asks for them
    const { nats, tokens } = row.sequences!;
    if (holds(ratio(nats, tokens).ci95, truth)) count.formerly++;
  }
  const covered = count.covered / evaluations;
  return {
    source: 'whole evaluations: documents of two topics',
    ...{ figure: 'nats per token', size: '40 documents', replicates: evaluations },
    ...{ covered, formerly: count.formerly / evaluations },
    ...judgeCoverage(covered, evaluations, null),
  };
}
