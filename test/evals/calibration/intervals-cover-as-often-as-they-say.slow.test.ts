/**
 * Both 95% intervals of a result, over 200 texts, each with times and noise of its own, by the default estimator.
 *
 * Over sequences: `ci95` of nll, against the source's entropy, which is what other text of the kind would show. Over
 * draws: nll ± t·mcStderr with the degrees of freedom of monte-carlo-error.ts, against −ln p of the text itself.
 */
import { describe, expect, it } from 'vitest';
import { packedTokens } from '../../../src/datasets/packed-tokens.js';
import { timePlan } from '../../../src/diffusion/times.js';
import { closedForm } from '../../../src/evals/calibration/closed-form.js';
import { exactCheckpoint } from '../../../src/evals/calibration/run.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { zeroShotPerplexity } from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { drawFromChain, markovChain } from '../../../src/models/sources/markov.js';
import { streams } from '../../../src/random/streams.js';
import { fillUniforms } from '../../../src/random/uniforms.js';
import { studentQuantile95 } from '../../../src/statistics/student.js';

const seeds = 200;
const length = 16;
const sequences = 64;
const draws = 4;

const rows = [
  [0.7, 0.1, 0.1, 0.1],
  [0.1, 0.2, 0.3, 0.4],
  [0.25, 0.5, 0.15, 0.1],
  [0.05, 0.05, 0.3, 0.6],
];
const stationary = stationaryOf(rows);
const chain = markovChain(stationary, rows.flat());

describe.each(['mdlm', 'sedd', 'duo'] as const)('%s', (family) => {
  it('covers between 91 and 98 of 100 times, over sequences and over draws', async () => {
    const covered = await coverage(family);
    for (const share of [covered.overSequences, covered.overDraws]) {
      expect(share).toBeGreaterThanOrEqual(0.91);
      expect(share).toBeLessThanOrEqual(0.98);
    }
  });
});

it('ar, which draws nothing, covers as often over sequences', async () => {
  const { overSequences } = await coverage('ar');
  expect(overSequences).toBeGreaterThanOrEqual(0.91);
  expect(overSequences).toBeLessThanOrEqual(0.98);
});

async function coverage(family: 'ar' | 'mdlm' | 'sedd' | 'duo') {
  const checkpoint = exactCheckpoint({ name: 'chain', chain }, family, family === 'ar' ? null : 'log-linear');
  const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
  const entropy = entropyRate(family === 'ar');
  const count = { overSequences: 0, overDraws: 0 };
  try {
    for (let seed = 1; seed <= seeds; seed++) {
      const texts = drawTexts(seed);
      const options = { protocol: 'strict', estimator: 'control-variate', draws, seed } as const;
      const { metrics, integration, tokens } = await zeroShotPerplexity(
        session,
        packedTokens('chain', texts),
        { ...options, until: null, batch: sequences },
      );
      const { value, ci95, mcStderr } = metrics.nll;
      if (ci95![0] <= entropy && entropy <= ci95![1]) count.overSequences++;
      const costOf = closedForm(chain, family, integration);
      const exact = texts.reduce((sum, x) => sum + costOf(x).overRange, 0) / tokens;
      if (Math.abs(value! - exact) <= margin * mcStderr!) count.overDraws++;
    }
  } finally {
    await session.close();
  }
  return { overSequences: count.overSequences / seeds, overDraws: count.overDraws / seeds };
}

/** Half the Monte Carlo interval, in standard errors: 4 replicates leave 3 degrees of freedom a group. */
const margin = studentQuantile95(3 * timePlan({ sequences, draws, seed: 1 }).groups);

function drawTexts(seed: number): Int32Array[] {
  const uniforms = new Float64Array(length);
  return Array.from({ length: sequences }, (_, sequence) => {
    fillUniforms(uniforms, { seed, stream: streams.sourceToken, sequence, step: 0 });
    return drawFromChain(chain, uniforms);
  });
}

/** Expected −ln p a scored token: all, but for ar the first. What `strict` leaves out of it, 2e-5, is nothing here. */
function entropyRate(withoutFirst: boolean): number {
  const entropy = (p: readonly number[]) => p.reduce((sum, q) => sum - q * Math.log(q), 0);
  const next = stationary.reduce((sum, p, v) => sum + p * entropy(rows[v]), 0);
  return withoutFirst ? next : (entropy(stationary) + (length - 1) * next) / length;
}

function stationaryOf(transition: readonly number[][]): number[] {
  let p = transition.map(() => 1 / transition.length);
  for (let step = 0; step < 500; step++) {
    p = p.map((_, w) => p.reduce((sum, q, v) => sum + q * transition[v][w], 0));
  }
  return p;
}
