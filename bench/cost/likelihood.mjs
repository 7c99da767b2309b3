/**
 * The exact likelihood of 64 sequences from left to right, one token per call, over bare `session.run` at the same batch: ready-made
 * tensors of everything masked, logits out. `fixtures/mdlm.onnx` takes as many calls as a sequence has tokens;
 * `fixtures/bd3lm.onnx` as many as a block has, each of the noisy text and the clean one.
 */
import '../../dist/models/no-telemetry.js';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { exactLikelihood } from '../../dist/evals/perplexity/exact-likelihood.js';
import { openLossJournal } from '../../dist/evals/perplexity/loss-journal.js';
import { PolicySession } from '../../dist/evals/perplexity/policy-session.js';
import { zeroShotPerplexity } from '../../dist/evals/perplexity/zero-shot-perplexity.js';
import { batchOf } from '../../dist/models/batch-limit.js';
import { networkFeeds } from '../../dist/models/feeds.js';
import { interleavedRatios } from './interleaved.mjs';
import { bareSession, runAll } from './model-call.mjs';
import { open, ROOT } from './subjects.mjs';

const SEQUENCES = 64;

export async function measureLikelihood(options) {
  const rows = [];
  for (const name of ['mdlm', 'bd3lm']) rows.push(await measureModel(name, options));
  return rows;
}

async function measureModel(name, { pairs, threads, quick, say }) {
  const { checkpoint, stream } = await open({ path: join(ROOT, 'fixtures', `${name}.onnx`) });
  const { length } = stream;
  const sequences = quick ? 4 : SEQUENCES;
  const batch = Math.min(sequences, batchOf(checkpoint, length, null));
  say(`exact likelihood, ${name}, ${sequences} sequences, ${batch} a call …`);
  const likelihood = exactLikelihood({ policy: 'left-to-right', from: 'all-masked' });
  const session = await PolicySession.start({ checkpoint, provider: 'cpu', threads }, likelihood, batch);
  const bare = await bareSession(checkpoint, threads);
  const width = checkpoint.blockSize ? 2 * length : length;
  const fed = networkFeeds(checkpoint.signature, {
    inputIds: new BigInt64Array(batch * width).fill(BigInt(checkpoint.maskTokenId)),
    ...{ batch, length: width, noisyWidth: length, sigma: new Float32Array(batch) },
  });
  const tensors = Object.entries(fed).map(([input, { type, data, dims }]) => [
    input,
    new ort.Tensor(type, data, dims),
  ]);
  const feed = Object.fromEntries(tensors);
  const calls = checkpoint.blockSize ?? length;
  const feeds = Array.from({ length: (calls * sequences) / batch }, () => feed);
  let journal;
  const ours = {
    before: async () => {
      const key = { bench: `likelihood of ${name}`, sequences };
      journal = await openLossJournal(session, key, { sequences, fresh: true });
    },
    run: () =>
      zeroShotPerplexity(journal, stream, {
        protocol: 'duo',
        draws: 1,
        seed: 1,
        estimator: 'plain',
        selection: { kind: 'first', count: sequences },
        until: null,
        batch,
        likelihood,
      }),
    after: () => journal.finish(),
  };
  // A leg is hundreds of calls.
  const values = await interleavedRatios(ours, { run: () => runAll(bare, feeds) }, Math.min(pairs, 4));
  await session.close();
  await bare.release();
  return {
    kind: 'ratio',
    what: `exact likelihood, ${name}, ${sequences} sequences, batch ${batch}`,
    to: `${calls} session.run${checkpoint.blockSize ? `, ${width} tokens` : ''}`,
    values,
    target: 1.1,
    aim: null,
  };
}
