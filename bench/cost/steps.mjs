/**
 * A step of `ancestral`, batch 1: what `generate` makes of a sample (uniform numbers, the way to the worker thread and back, the
 * network with its draw, the posterior) over as many bare `session.run`s with logits out, of the same tokens and times. The share of
 * the steps that passed outside the runtime comes from the same legs, and the memory from a process of its own.
 */
import '../../dist/models/no-telemetry.js';
import ort from 'onnxruntime-node';
import { isMasked } from '../../dist/models/family.js';
import { generate } from '../../dist/sampling/generate.js';
import { interleavedRatios } from './interleaved.mjs';
import { bareSession, runAll } from './model-call.mjs';
import { node, PRELOAD } from './process.mjs';
import { startSampling } from './sampling.mjs';

/** Steps of a leg, one call each and one more; more of the small networks, whose legs would be too short. */
const STEPS = { wide: 3, duo: 63, mdlm: 63 };
const PEAK_BYTES = 1.2e9;
/** Stated: share of a step outside the model's run. */
const OUTSIDE = 0.03;
const RUNS_FOR_MEMORY = 3;
const PROGRAM = new URL(import.meta.url).pathname;

export async function measureSteps({ subjects, pairs, threads, say }) {
  const rows = [];
  for (const { name, path } of subjects.filter((subject) => Object.hasOwn(STEPS, subject.name))) {
    const steps = STEPS[name];
    say(`${name}, ${steps + 1} calls of ancestral …`);
    const { session, plan } = await start(path, steps, threads);
    const bare = await bareSession(plan.checkpoint, threads);
    const feeds = await feedsOf(plan, session.source.denoiser);
    const outside = [];
    const ours = {
      async run() {
        const [began, inside] = [performance.now(), session.runSeconds];
        for await (const _ of generate({ ...plan, source: session.source }));
        const seconds = (performance.now() - began) / 1000;
        outside.push((seconds - (session.runSeconds - inside)) / seconds / OUTSIDE);
      },
    };
    const values = await interleavedRatios(ours, { run: () => runAll(bare, feeds) }, pairs);
    outside.shift(); // what warmed up
    const wide = name === 'wide';
    const what = `${name}, step of ancestral`;
    rows.push(
      { kind: 'ratio', what, to: 'session.run', values, target: wide ? 1 : null, aim: null },
      {
        kind: 'ratio',
        what: `${what}, outside the runtime`,
        to: `${100 * OUTSIDE} % of it`,
        values: outside,
        target: wide ? 1 : null,
        aim: null,
      },
    );
    await session.close();
    await bare.release();
    if (!wide) continue;
    say('memory of a sample of wide …');
    const peaks = [];
    for (let i = 0; i < Math.min(RUNS_FOR_MEMORY, pairs); i++) {
      const args = ['--import', PRELOAD, PROGRAM, path, String(steps), String(threads)];
      peaks.push(Number(await node(args)) / PEAK_BYTES);
    }
    rows.push({
      kind: 'ratio',
      what: `${what}, memory`,
      to: '1.2 GB',
      values: peaks,
      target: 1,
      aim: null,
    });
  }
  return rows;
}

const start = (path, steps, threads) => startSampling(path, { samplerName: 'ancestral', steps, threads });

/** The network's own inputs, call after call of one sample; masked families go on until a call has nothing to do. */
async function feedsOf(plan, denoiser) {
  const { signature, fields, family, maskTokenId } = plan.checkpoint;
  const feeds = [];
  const recording = {
    denoise(request) {
      const { tokens, batch, length, sigma } = request;
      const anything = !isMasked(family) || tokens.includes(maskTokenId);
      if (anything) {
        const feed = {
          input_ids: new ort.Tensor('int64', BigInt64Array.from(tokens, BigInt), [batch, length]),
        };
        const told = fields.timeConditioning.value ? sigma : 0;
        if (signature.sigma)
          feed.sigma = new ort.Tensor('float32', new Float32Array(batch).fill(told), [batch]);
        feeds.push(feed);
      }
      return denoiser.denoise(request);
    },
  };
  for await (const _ of generate({ ...plan, source: { denoiser: recording } }));
  return feeds;
}

if (process.argv[1] === PROGRAM) {
  const [path, steps, threads] = process.argv.slice(2);
  const { session, plan } = await start(path, Number(steps), Number(threads));
  for await (const _ of generate({ ...plan, source: session.source }));
  await session.close();
}
