/**
 * A step of training, noise drawn and weights updated, over the loss alone of the same batch with the same weights: what a backward
 * pass would cost that multiplies as often as it must is 3, the update not counted. A process of its own gives the memory.
 */
import '../../dist/models/no-telemetry.js';
import ort from 'onnxruntime-node';
import { HEAD } from '../../dist/diffusion/heads/head.js';
import { prune } from '../../dist/graph/prune.js';
import { fillWeights } from '../../dist/graph/write.js';
import { randomWeights } from '../../dist/models/weights/random-weights.js';
import { bytesOfSource } from '../../dist/models/weights/weight-source.js';
import { objectiveGraph } from '../../dist/training/objective.js';
import { stepFeeds } from '../../dist/training/step-feeds.js';
import { startingVectors, TrainingSession } from '../../dist/training/training-session.js';
import { interleavedRatios } from './interleaved.mjs';
import { node, PRELOAD } from './process.mjs';

/** Steps of a leg. */
const STEPS = 4;
const PEAK_BYTES = 1.5e9;
const RUNS_FOR_MEMORY = 2;
const PROGRAM = new URL(import.meta.url).pathname;
const BATCH = 16;
const LENGTH = 128;
const VOCABULARY = 1024;

/** Duo, 2 million parameters, plain NELBO. */
const settings = {
  problem: {
    family: 'duo',
    dimensions: {
      hiddenSize: 160,
      conditionSize: 128,
      blocks: 4,
      heads: 5,
      vocabSize: VOCABULARY,
      length: LENGTH,
    },
    maskTokenId: null,
    batch: BATCH,
    length: LENGTH,
  },
  schedule: { type: 'log-linear', eps: 1e-3 },
  timeConditioning: true,
  seed: 1,
  curriculum: null,
};
const text = {
  sequences: 64,
  length: LENGTH,
  sequence: (i) => Int32Array.from({ length: LENGTH }, (_, l) => (i * 131 + l * l * 7) % VOCABULARY),
};
const weights = randomWeights({ seed: 1, zeroed: false });
const feedsOf = stepFeeds(settings, text);
/** The inputs of a step, by its number. */
export const trainingFeeds = feedsOf;

export async function measureTraining({ pairs, threads, say }) {
  say('a step of training …');
  const training = await startTraining(threads);
  const loss = await startLoss(threads);
  let step = 0;
  const values = await interleavedRatios(
    {
      async run() {
        for (let i = 0; i < STEPS; i++) await training.step(++step, feedsOf(step));
      },
    },
    {
      async run() {
        for (let i = 1; i <= STEPS; i++) await loss(feedsOf(i));
      },
    },
    pairs,
  );
  await training.close();
  const what = 'duo, 2M parameters, step of training';
  say('memory of training …');
  const peaks = [];
  for (let i = 0; i < Math.min(RUNS_FOR_MEMORY, pairs); i++)
    peaks.push(Number(await node(['--import', PRELOAD, PROGRAM, String(threads)])) / PEAK_BYTES);
  return [
    { kind: 'ratio', what, to: 'its loss alone', values, target: null, aim: null },
    { kind: 'ratio', what: `${what}, memory`, to: '1.5 GB', values: peaks, target: 1, aim: null },
  ];
}

export async function startTraining(threads) {
  const objective = objectiveGraph(settings.problem);
  const elements = objective.parameters.flatMap((parameter) =>
    [...weights(parameter)].map((piece) => piece.slice()),
  );
  const vector = new Float32Array(elements.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of elements) {
    vector.set(piece, at);
    at += piece.length;
  }
  return TrainingSession.start(objective, startingVectors(vector), {
    adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    greatestNorm: 1,
    averageDecay: 0.999,
    learningRate: { highest: 1e-4, warmup: 10, final: 0.1, steps: 10_000 },
    threads,
  });
}

/** The same network and loss without gradients, its weights constants. */
async function startLoss(threads) {
  const { graph, parameters } = objectiveGraph(settings.problem);
  graph.output(graph.value(HEAD.loss, 'float32'));
  prune(graph.proto);
  await fillWeights(graph, bytesOfSource(parameters, weights));
  const session = await ort.InferenceSession.create(graph.toBytes(), { intraOpNumThreads: threads });
  return (feeds) =>
    session.run(
      Object.fromEntries(
        session.inputNames.map((name) => {
          const { type, data, dims } = feeds[name];
          return [name, new ort.Tensor(type, data, dims)];
        }),
      ),
    );
}

if (process.argv[1] === PROGRAM) {
  const training = await startTraining(Number(process.argv[2]));
  for (let step = 1; step <= 2 * STEPS; step++) await training.step(step, feedsOf(step));
  process.exit(0);
}
