/**
 * What JavaScript does for a sequence, piece by piece (tinybench), and each piece's share of the bare model call that the
 * sequence costs. The checkpoint is duo.onnx where it is at hand, else the fixture of its family.
 */
import { Bench } from 'tinybench';
import { resolveDataset } from '../../dist/datasets/resolve-dataset.js';
import { appendLossHead } from '../../dist/diffusion/heads/losses.js';
import { integration } from '../../dist/diffusion/integration.js';
import { noiseSchedule } from '../../dist/diffusion/schedule.js';
import { timePlan } from '../../dist/diffusion/times.js';
import { prepareBatch, sequenceLosses } from '../../dist/evals/perplexity/loss-batch.js';
import { fillUniforms } from '../../dist/random/uniforms.js';
import { median, timed } from './interleaved.mjs';
import { bareFeeds, bareSession, runAll } from './model-call.mjs';
import { open } from './subjects.mjs';

const BATCH = 32;

export async function measureHotPaths({ subjects, quick, threads, say }) {
  const subject =
    subjects.find(({ name }) => name === 'duo') ?? subjects.find(({ name }) => name === 'markov-duo');
  say(`hot paths, beside a call of ${subject.name} …`);
  const { checkpoint, tokenizer, stream } = await open(subject);
  const { length } = stream;
  const schedule = noiseSchedule(checkpoint.schedule);
  const plan = timePlan({ sequences: stream.sequences, draws: 4, seed: 1 });
  const levels = { duo: integration('duo', schedule), strict: integration('strict', schedule) };
  const text = await someText();
  const textTokens = tokenizer.encode(text).length;

  const calls = Array.from({ length: BATCH }, (_, sequence) => ({
    sequence,
    draw: 0,
    x: stream.sequence(sequence),
    level: levels.duo.at(plan.at(sequence, 0).u),
  }));
  const model = (family) => ({
    name: family,
    family,
    vocabSize: checkpoint.vocabSize,
    maskTokenId: family === 'mdlm' ? checkpoint.vocabSize : null,
    seed: 1,
    wrapped: true,
    fixedLength: null,
  });

  const bench = new Bench(quick ? { iterations: 2, time: 5, warmup: false } : { time: 500, warmupTime: 100 });
  /** Name → [unit, units an iteration, units a sequence; NaN: none of a sequence's costs]. */
  const units = new Map();
  const add = (name, unit, count, perSequence, run) => {
    units.set(name, { unit, count, perSequence });
    bench.add(name, run);
  };

  const uniforms = new Float64Array(length);
  let next = 0;
  const step = () => next++ % stream.sequences;
  add('uniforms (Philox)', 'number', length, 2 * length, () =>
    fillUniforms(uniforms, { seed: 1, stream: 1, sequence: step(), step: 0 }),
  );
  for (const family of ['duo', 'mdlm', 'ar']) {
    const prepared = prepareBatch(calls, model(family));
    const losses = new Float32Array(BATCH * length).fill(1);
    const once = family === 'duo' ? 1 : Number.NaN;
    add(`noise and tensors, ${family}`, 'sequence', BATCH, once, () => prepareBatch(calls, model(family)));
    add(`sums of losses, ${family}`, 'sequence', BATCH, once, () =>
      sequenceLosses(prepared, losses, model(family)),
    );
  }
  add('times: plan.at', 'sequence', 1, 1, () => plan.at(step(), 1));
  add('noise level, duo', 'sequence', 1, 1, () => levels.duo.at((step() % 997) / 997));
  add('noise level, strict', 'sequence', 1, Number.NaN, () => levels.strict.at((step() % 997) / 997));
  add('packed stream: read', 'sequence', 1, 1, () => stream.sequence(step()));
  add('tokenizer: encode', 'token', textTokens, length, () => tokenizer.encode(text));
  add('loss appended, serialised', 'session', 1, Number.NaN, () => {
    const graph = checkpoint.graph();
    appendLossHead(graph, checkpoint.family, {
      logits: 'logits',
      vocabSize: checkpoint.vocabSize,
      maskTokenId: null,
    });
    return graph.toBytes();
  });
  await bench.run();

  const callNanoseconds = await bareCall(checkpoint, calls, model('duo'), threads, quick ? 2 : 20);
  return bench.tasks.map(({ name, result }) => {
    if (result.state !== 'completed') throw result.error ?? new Error(`${name}: ${result.state}`);
    const { unit, count, perSequence } = units.get(name);
    const { p50, rme } = result.latency;
    const nanoseconds = (p50 * 1e6) / count;
    const share = (nanoseconds * perSequence) / callNanoseconds;
    return { kind: 'path', what: name, unit, nanoseconds, relativeError: rme, share };
  });
}

/** Nanoseconds of a bare call, for one of its sequences. */
async function bareCall(checkpoint, calls, model, threads, repetitions) {
  const session = await bareSession(checkpoint, threads);
  const feeds = [bareFeeds(checkpoint, { calls, model })];
  const times = [];
  for (let i = 0; i < repetitions; i++) times.push(await timed({ run: () => runAll(session, feeds) }));
  await session.release();
  return (median(times) * 1e6) / calls.length;
}

/** The beginning of the first embedded speech. */
async function someText() {
  const source = await resolveDataset({ spec: 'sotu' });
  for await (const text of source.texts()) return text.slice(0, 4000);
  throw new Error('the embedded data set holds no text');
}
