// How much gradients vary from batch to batch, at the weights of a saved state: Σ over weights of the variance over batches, estimated
// from batches that the run never saw. Prints a line of JSON a state: node scripts/gradient-variance.mjs <states...>
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packDataset } from '../dist/datasets/pack-dataset.js';
import { resolveDataset } from '../dist/datasets/resolve-dataset.js';
import { loadTokenizer } from '../dist/datasets/tokenizer.js';
import { objectiveGraph } from '../dist/training/objective.js';
import { trainingFile } from '../dist/training/saved-training.js';
import { mixtureAt, stepFeeds } from '../dist/training/step-feeds.js';
import { startingVectors, TrainingSession } from '../dist/training/training-session.js';

const BATCHES = 24;
/** Beyond every run's steps. */
const UNSEEN = 1_000_000;

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
  const { settings } = JSON.parse(firstLine(path));
  const { step, vectors } = await trainingFile.load(path, settings);
  const inCurriculum = settings.curriculum !== null && step < settings.curriculum.steps;
  for (const reads of inCurriculum ? ['mixture', 'tokens'] : ['tokens']) {
    const variance = await gradientVariance(settings, vectors.weights, reads === 'mixture');
    console.log(JSON.stringify({ path: relative(process.cwd(), path), step, reads, ...variance }));
  }
}
text.close();

/** @param curriculum whether the network reads what the curriculum shows it */
async function gradientVariance(settings, weights, curriculum) {
  const asked = {
    ...settings,
    curriculum: curriculum ? { ...settings.curriculum, steps: 2 * UNSEEN } : null,
  };
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

function firstLine(path) {
  const bytes = readFileSync(path);
  return bytes.subarray(0, bytes.indexOf(10)).toString();
}
