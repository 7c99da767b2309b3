/**
 * The wall time of an evaluation a model call (noise, tensors, the way to the worker thread and back, the network with its
 * loss, sums, the control variate, the journal) over the bare `session.run` that a user would write: the same
 * tokens and noise levels, ready-made tensors, the main thread, logits out. Loading is excluded on both sides.
 */
import '../../dist/models/no-telemetry.js';
import ort from 'onnxruntime-node';
import { prepareBatch } from '../../dist/evals/perplexity/loss-batch.js';
import { openLossJournal } from '../../dist/evals/perplexity/loss-journal.js';
import { LossSession } from '../../dist/evals/perplexity/loss-session.js';
import { zeroShotPerplexity } from '../../dist/evals/perplexity/zero-shot-perplexity.js';
import { batchOf } from '../../dist/models/batch-limit.js';
import { interleavedRatios, timed } from './interleaved.mjs';
import { open } from './subjects.mjs';

export async function measureCalls({ subjects, pairs, threads, say }) {
  const rows = [];
  for (const subject of subjects) {
    const { checkpoint, stream } = await open(subject);
    const session = await LossSession.start({ checkpoint, provider: 'cpu', threads });
    const bare = await bareSession(checkpoint, threads);
    for (const { batch, sequences } of subject.settings) {
      const size = batchOf(checkpoint, stream.length, batch);
      say(`${subject.name}, ${size} sequences a call …`);
      const calls = [];
      const ours = evaluation(recording(session, calls), stream, { batch, sequences });
      await timed(ours);
      const feeds = calls.map((batchOfCalls) => bareFeeds(checkpoint, batchOfCalls));
      const values = await interleavedRatios(
        evaluation(session, stream, { batch, sequences }),
        { run: () => runAll(bare, feeds) },
        pairs,
      );
      rows.push({
        kind: 'ratio',
        what: `${subject.name}, batch ${size}`,
        to: 'session.run',
        values,
        target: subject.target,
        aim: subject.aim,
      });
    }
    await session.close();
    await bare.release();
  }
  return rows;
}

/** A session as a user makes one: nothing said but the threads. */
export function bareSession(checkpoint, threads) {
  return ort.InferenceSession.create(checkpoint.path, { intraOpNumThreads: threads, interOpNumThreads: 1 });
}

export async function runAll(session, feeds) {
  for (const feed of feeds) await session.run(feed);
}

/** One pass over the first sequences, as `duo-eval ppl` makes it. The journal's file is opened before and removed after. */
function evaluation(source, stream, { batch, sequences }) {
  let journal;
  return {
    before: async () => {
      journal = await openLossJournal(
        source,
        { bench: source.checkpoint.name, batch, sequences },
        { fresh: true },
      );
    },
    run: () =>
      zeroShotPerplexity(journal, stream, {
        protocol: 'duo',
        draws: 1,
        seed: 1,
        estimator: 'control-variate',
        selection: { kind: 'first', count: sequences },
        until: null,
        batch,
      }),
    after: () => journal.finish(),
  };
}

/** Keeps the batches that a source is asked for. */
export function recording(source, batches) {
  return {
    checkpoint: source.checkpoint,
    losses(calls, model) {
      batches.push({ calls, model });
      return source.losses(calls, model);
    },
  };
}

/** The network's own inputs for a recorded batch: what its head reads is left out. */
export function bareFeeds({ signature, fields }, { calls, model }) {
  const { inputIds, called, width } = prepareBatch(calls, model);
  const feeds = { input_ids: new ort.Tensor('int64', inputIds, [called.length, width]) };
  if (signature.sigma) {
    const sigma = called.map(({ level }) => (fields.timeConditioning.value ? level.sigma : 0));
    feeds.sigma = new ort.Tensor('float32', Float32Array.from(sigma), [called.length]);
  }
  return feeds;
}
