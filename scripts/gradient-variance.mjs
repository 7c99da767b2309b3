// How much gradients vary from batch to batch, at the weights of a saved state: Σ over weights of the variance over batches, estimated
// from batches that the run did not see: its text in another order, with other noise. At states within the curriculum by several ways
// of reading. Prints a line of JSON for each: node scripts/gradient-variance.mjs <states...>
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packDataset } from '../dist/datasets/pack-dataset.js';
import { resolveDataset } from '../dist/datasets/resolve-dataset.js';
import { loadTokenizer } from '../dist/datasets/tokenizer.js';
import { objectiveGraph } from '../dist/training/objective.js';
import { trainingFile } from '../dist/training/state-file.js';
import { mixtureAt, stepFeeds } from '../dist/training/step-feeds.js';
import { startingVectors, TrainingSession } from '../dist/training/training-session.js';
import { stateHeader } from './state-header.mjs';

const BATCHES = 24;
/** Beyond every run's steps. */
const UNSEEN = 1_000_000;

/** What the network reads, as changes of the run's curriculum; tokens are of the plain loss, at all noise levels. */
const WITHIN = {
  mixture: {},
  /** The same noise, so cold that the largest entry is all. */
  argmax: { firstLogTemperature: -9, lastLogTemperature: -9 },
  /** So warm that other tokens have a part, all entries kept. */
  softer: { firstLogTemperature: -1, lastLogTemperature: -1, kept: Number.POSITIVE_INFINITY },
};

const root = fileURLToPath(new URL('..', import.meta.url));
const tokenizer = await loadTokenizer(relative(process.cwd(), `${root}/fixtures/bpe-1024`));
const text = await packDataset({
  source: await resolveDataset({ spec: 'sotu-train' }),
  tokenizer,
  length: 128,
  protocol: 'strict',
  signal: new AbortController().signal,
  onProgress: () => {},
});

for (const path of process.argv.slice(2)) {
  const { settings } = stateHeader(path);
  const { step, vectors } = await trainingFile.load(path, settings);
  const inCurriculum = settings.curriculum !== null && step < settings.curriculum.steps;
  for (const reads of inCurriculum ? [...Object.keys(WITHIN), 'tokens'] : ['tokens']) {
    const variance = await gradientVariance(settings, vectors.weights, WITHIN[reads] ?? null);
    console.log(JSON.stringify({ path: relative(process.cwd(), path), step, reads, ...variance }));
  }
}
text.close();

/** @param changes of the curriculum; null for the plain loss */
async function gradientVariance(settings, weights, changes) {
  const curriculum = changes && { ...settings.curriculum, steps: 2 * UNSEEN, ...changes };
  if (curriculum) curriculum.kept = Math.min(curriculum.kept, settings.problem.dimensions.vocabSize);
  const asked = { ...settings, curriculum };
  const reads = mixtureAt(asked, UNSEEN) ?? 'tokens';
  // AdamW whose first moment is the last gradient, unclipped, and whose steps have no length.
  const session = await TrainingSession.start(
    objectiveGraph({ ...settings.problem, reads }),
    startingVectors(weights),
    {
      adamW: { beta1: 0, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
      greatestNorm: 1e30,
      averageDecay: 1,
      learningRate: { highest: 0, warmup: 0, final: 1, steps: 1 },
      threads: 1,
    },
  );
  const feedsOf = stepFeeds(asked, text);
  const sum = new Float64Array(weights.length);
  let squares = 0;
  for (let i = 0; i < BATCHES; i++) {
    await session.step(UNSEEN + i, feedsOf(UNSEEN + i));
    const { first_moment: gradient } = await session.read();
    for (let j = 0; j < sum.length; j++) {
      sum[j] += gradient[j];
      squares += gradient[j] ** 2;
    }
  }
  await session.close();
  const ofMean = sum.reduce((total, value) => total + (value / BATCHES) ** 2, 0);
  return { variance: (squares - BATCHES * ofMean) / (BATCHES - 1), squaredMean: ofMean };
}
