/**
 * The exact likelihood of 64 sequences of `fixtures/mdlm.onnx` from left to right, one token per call, over as many bare
 * `session.run` as the sequences have tokens: the same batch, ready-made tensors of everything masked, logits out.
 */
import '../../dist/models/no-telemetry.js';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { exactLikelihood } from '../../dist/evals/perplexity/exact-likelihood.js';
import { openLossJournal } from '../../dist/evals/perplexity/loss-journal.js';
import { PolicySession } from '../../dist/evals/perplexity/policy-session.js';
import { defaultBatch, zeroShotPerplexity } from '../../dist/evals/perplexity/zero-shot-perplexity.js';
import { interleavedRatios } from './interleaved.mjs';
import { bareSession, runAll } from './model-call.mjs';
import { open, ROOT } from './subjects.mjs';

const SEQUENCES = 64;

export async function measureLikelihood({ pairs, threads, quick, say }) {
  const { checkpoint, stream } = await open({ path: join(ROOT, 'fixtures', 'mdlm.onnx') });
  const { length } = stream;
  const sequences = quick ? 4 : SEQUENCES;
  const batch = Math.min(sequences, defaultBatch(length, checkpoint.vocabSize));
  say(`exact likelihood, ${sequences} sequences, ${batch} a call …`);
  const likelihood = exactLikelihood({ policy: 'left-to-right', from: 'all-masked' });
  const session = await PolicySession.start({ checkpoint, provider: 'cpu', threads }, likelihood, batch);
  const bare = await bareSession(checkpoint, threads);
  const ids = new BigInt64Array(batch * length).fill(BigInt(checkpoint.maskTokenId));
  const feed = { input_ids: new ort.Tensor('int64', ids, [batch, length]) };
  if (checkpoint.signature.sigma) feed.sigma = new ort.Tensor('float32', new Float32Array(batch), [batch]);
  const feeds = Array.from({ length: (length * sequences) / batch }, () => feed);
  let journal;
  const ours = {
    before: () => {
      journal = openLossJournal(session, { bench: 'likelihood', sequences }, { sequences, fresh: true });
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
  return [
    {
      kind: 'ratio',
      what: `exact likelihood, mdlm, ${sequences} sequences, batch ${batch}`,
      to: `${length} session.run`,
      values,
      target: 1.1,
      aim: null,
    },
  ];
}
