/**
 * How much the control variate lowers the variance of uniform states' bound over the answers of a question.
 *
 *     node bench/task-draws.mjs --model fixtures/duo.onnx
 *
 * A question is the beginning of a sequence of sotu, and two answers: its own next tokens and those of another sequence, 4 to 15 of them,
 * in both or 3 more in the second. With and without the control the same times and noise are drawn. Printed are ratios of variances of a score, and of the
 * margin of the two: of the sums over questions, and the geometric mean over them.
 *
 * Options: --questions 24, --draws 128, --threads (all).
 */
import '../dist/models/no-telemetry.js';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { packDataset } from '../dist/datasets/pack-dataset.js';
import { resolveDataset } from '../dist/datasets/resolve-dataset.js';
import { selectedSequences } from '../dist/datasets/selected-sequences.js';
import { marginOf } from '../dist/evals/likelihood/margins.js';
import { openScoring, scoreContinuations } from '../dist/evals/likelihood/scoring-session.js';
import { openCheckpoint } from '../dist/models/checkpoint.js';
import { tokenizerOf } from '../dist/sampling/prepare-sampling.js';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'fixtures/duo.onnx' },
    questions: { type: 'string', default: '24' },
    draws: { type: 'string', default: '128' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const [questions, draws, threads] = [options.questions, options.draws, options.threads].map(Number);
const CONTEXT = 40;
const LENGTH = 64;

const checkpoint = await openCheckpoint(options.model);
const whole = await packDataset({
  source: await resolveDataset({ spec: 'sotu' }),
  tokenizer: await tokenizerOf(checkpoint),
  ...{ length: LENGTH, protocol: 'strict', keepRemainder: false, onProgress() {} },
});
const stream = selectedSequences(whole, { kind: 'spread', count: questions });
const texts = Array.from({ length: questions }, (_, i) => Array.from(stream.sequence(i)));

/** @param longer tokens that the second answer has more than the first */
const requestsOf = (longer) =>
  texts.flatMap((text, question) =>
    [text, texts[(question + 1) % questions]].map((other, choice) => ({
      ...{ context: text.slice(0, CONTEXT), question },
      continuation: other.slice(CONTEXT, CONTEXT + 4 + (question % 12) + choice * longer),
    })),
  );

async function errors(requests, hasControl) {
  const session = await openScoring({ checkpoint, provider: 'cpu', threads, draws, hasControl });
  const scores = await scoreContinuations(session, requests);
  await session.close();
  const pairs = texts.map((_, question) => scores.slice(2 * question, 2 * question + 2));
  return {
    score: scores.map(({ error }) => error ** 2),
    margin: pairs.map(([a, b]) => marginOf(a, b).error ** 2),
    apart: pairs.map(([a, b]) => a.error ** 2 + b.error ** 2),
  };
}

const total = (values) => values.reduce((sum, value) => sum + value, 0);
const compare = (what, ours, theirs) => {
  const logs = ours.map((value, i) => Math.log(value / theirs[i]));
  const geometric = Math.exp(total(logs) / logs.length);
  console.log(
    `  ${what}: ${(total(ours) / total(theirs)).toFixed(2)}, geometric mean ${geometric.toFixed(2)}`,
  );
};
console.log(`${checkpoint.name}, ${questions} questions of two answers, ${draws} draws; ratios of variances`);
for (const longer of [0, 3]) {
  const requests = requestsOf(longer);
  const [controlled, plain] = [await errors(requests, true), await errors(requests, false)];
  console.log(longer === 0 ? 'answers of one length' : `one answer ${longer} tokens longer`);
  compare('score, with the control variate over without', controlled.score, plain.score);
  compare('margin, common noise over noise of its own', plain.margin, plain.apart);
  compare('margin, with the control variate over without', controlled.margin, plain.margin);
}
