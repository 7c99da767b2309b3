/**
 * Fifty whole commands, `duo-eval ppl` on files of documents whose mean loss is known, and how often the printed 95% interval holds
 * it: once as .jsonl, where the unit is the document, and once as one .txt, where blocks must be found. `npm run study:intervals`.
 *
 * A document is of one topic, letters drawn independently of each other, evenly from the topic's own; markov-ar.onnx is a bigram
 * model of bytes, so that with Q its transitions a scored token costs in the mean (per sequence of 126 bytes between boundaries)
 * [ −Σ p(x)·ln Q(BOS, x) − 125·Σ p(x)p(y)·ln Q(x, y) − Σ p(x)·ln Q(x, EOS) ] / 127.
 *
 * Then how often the interval over draws holds −ln p of the text, over 2,000 seeds of 32 sequences with 2 draws each.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embeddedSource } from '../dist/datasets/embedded-texts.js';
import { packedTokens } from '../dist/datasets/packed-tokens.js';
import { closedForm } from '../dist/evals/calibration/closed-form.js';
import { Draws } from '../dist/evals/calibration/interval-sources.js';
import { exactCheckpoint } from '../dist/evals/calibration/run.js';
import { calibrationSources, drawText } from '../dist/evals/calibration/sources.js';
import { LossSession } from '../dist/evals/perplexity/loss-session.js';
import { zeroShotPerplexity } from '../dist/evals/perplexity/zero-shot-perplexity.js';
import { boundaryToken, byteBigramChain, countByteBigrams } from '../dist/models/sources/byte-bigram.js';
import { studentQuantile95 } from '../dist/statistics/student.js';

const COMMANDS = 50;
const DOCUMENTS = 40;
const LENGTH = 128;
const TOPICS = ['etaoinshrdlu', 'zqxjkvbpygfw'].map((letters) => Buffer.from(letters));

const texts = [];
for await (const text of (await embeddedSource('sotu-train')).texts()) texts.push(Buffer.from(text));
const { transition, vocabSize: K } = byteBigramChain(countByteBigrams(texts), LENGTH);
const cost = (v, w) => -Math.log(transition[v * K + w]);
const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
const costOf = (letters) => {
  const all = [...letters];
  const inside = mean(all.flatMap((x) => all.map((y) => cost(x, y))));
  const ends = mean(all.map((x) => cost(boundaryToken, x) + cost(x, boundaryToken)));
  return (ends + (LENGTH - 3) * inside) / (LENGTH - 1);
};
const truth = mean(TOPICS.map(costOf));

const folder = mkdtempSync(join(tmpdir(), 'duo-eval-study-'));
const held = { 'documents (.jsonl)': 0, 'one text (.txt)': 0 };
try {
  for (let command = 0; command < COMMANDS; command++) {
    const draws = new Draws(1, command);
    const [choices, lengths] = [draws.uniforms(DOCUMENTS), draws.uniforms(DOCUMENTS)];
    const documents = [...choices].map((choice, d) => {
      const letters = TOPICS[choice < 0.5 ? 0 : 1];
      const size = 400 + Math.floor(1600 * lengths[d]);
      return Buffer.from(
        [...draws.uniforms(size)].map((u) => letters[Math.floor(u * letters.length)]),
      ).toString();
    });
    const files = {
      'documents (.jsonl)': join(folder, 'text.jsonl'),
      'one text (.txt)': join(folder, 'text.txt'),
    };
    writeFileSync(
      files['documents (.jsonl)'],
      documents.map((text) => `${JSON.stringify({ text })}\n`).join(''),
    );
    writeFileSync(files['one text (.txt)'], documents.join(''));
    for (const [name, path] of Object.entries(files)) {
      const args = [
        'bin/run.js',
        'ppl',
        '--model',
        'fixtures/markov-ar.onnx',
        '--dataset',
        path,
        '--json',
        '--quiet',
      ];
      const env = { ...process.env, DUO_EVAL_CACHE: join(folder, 'cache') };
      const { results } = JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' }));
      const [low, high] = results[0].metrics.nll.ci95;
      if (low <= truth && truth <= high) held[name]++;
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
for (const [name, count] of Object.entries(held))
  console.log(
    `${name}: ${count} of ${COMMANDS} intervals hold the known ${truth.toFixed(4)} nats per token.`,
  );

const SEEDS = 2000;
const source = calibrationSources.find(({ name }) => name === 'chain');
const sequences = drawText(source, { sequences: 32, length: 16, seed: 1 });
for (const family of ['mdlm', 'sedd', 'duo']) {
  const checkpoint = exactCheckpoint(source, family, 'log-linear');
  const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
  const count = { student: 0, normal: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const options = {
      protocol: 'strict',
      estimator: 'control-variate',
      draws: 2,
      seed,
      until: null,
      batch: 32,
    };
    const found = await zeroShotPerplexity(session, packedTokens(source.name, sequences), options);
    const costOfText = closedForm(source.chain, family, found.integration);
    const exact = sequences.reduce((sum, x) => sum + costOfText(x).overRange, 0) / found.tokens;
    const z = Math.abs(found.metrics.nll.value - exact) / found.metrics.nll.mcStderr;
    if (z <= studentQuantile95(found.mcDegreesOfFreedom)) count.student++;
    if (z <= 1.96) count.normal++;
    found.losses.close();
  }
  await session.close();
  const share = (hits) => (hits / SEEDS).toFixed(3);
  console.log(
    `${family}, 32 sequences, 2 draws: Student's t covers ${share(count.student)}, 1.96 errors ${share(count.normal)}.`,
  );
}
