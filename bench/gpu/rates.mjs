/**
 * How fast a provider is: steps of `ancestral`, calls of perplexity and cached decoding, by batch size, as rates and as ratios to batch 1, and
 * beside PyTorch on the same card.
 */
import { join } from 'node:path';
import { LossSession } from '../../dist/evals/perplexity/loss-session.js';
import { batchModelOf } from '../../dist/evals/perplexity/loss-source.js';
import { openCheckpoint } from '../../dist/models/checkpoint.js';
import { randomCheckpoint } from '../../dist/models/random-checkpoint.js';
import { generate } from '../../dist/sampling/generate.js';
import { median, timed } from '../cost/interleaved.mjs';
import { startSampling } from '../cost/sampling.mjs';
import { besideSteps, convert, startTorch } from '../torch-process.mjs';

const WHOLE = {
  changes: {},
  size: 'small',
  vocabSize: 50_258,
  length: 1024,
  batches: [1, 4, 16],
  steps: 8,
  tokens: 128,
};
const QUICK = {
  ...{ changes: { hiddenSize: 64, blocks: 2, heads: 2 }, size: 'tiny', vocabSize: 300, length: 32 },
  ...{ batches: [1, 2], steps: 2, tokens: 8 },
};
const TORCH_MODES = ['float32', 'compile float32', 'bfloat16', 'compile bfloat16'];

export async function measureRates(setting) {
  const sizes = setting.quick ? QUICK : WHOLE;
  const paths = {};
  for (const architecture of ['dit', 'causal']) {
    paths[architecture] = join(setting.folder, `${architecture}.onnx`);
    const { changes, size, vocabSize, length } = sizes;
    await randomCheckpoint({
      out: paths[architecture],
      seed: 1,
      architecture,
      size,
      changes,
      vocabSize,
      length,
    });
  }
  const rows = [
    ...(await sampling(paths.dit, 'ancestral', 'step of ancestral', sizes, setting)),
    ...(await perplexityCalls(paths.dit, sizes, setting)),
    ...(await sampling(paths.causal, 'ar', 'cached decoding', sizes, setting)),
  ];
  if (setting.python) rows.push(...(await besideTorch(sizes, setting)));
  return rows;
}

/** A row each batch size: its samples per second over those at batch 1. */
async function sampling(path, samplerName, what, sizes, { provider, threads, pairs, say, cardMiB }) {
  const rows = [];
  let first;
  for (const batch of sizes.batches) {
    say(`${what}, batch ${batch} …`);
    const isCached = samplerName === 'ar';
    const steps = isCached ? sizes.tokens : sizes.steps;
    const length = isCached ? sizes.tokens + 1 : sizes.length;
    const { session, plan } = await startSampling(path, { samplerName, steps, length, threads, provider });
    // The first token of a text that is written from left to right is given.
    const given = isCached
      ? { tokens: new Int32Array(length), fixed: Uint8Array.from({ length }, (_, l) => Number(l === 0)) }
      : null;
    const several = { ...plan, samples: batch, batch, given, source: session.source };
    const run = async () => {
      for await (const _ of generate(several));
    };
    await timed({ run });
    const ms = [];
    for (let i = 0; i < pairs; i++) ms.push(await timed({ run }));
    const memory = cardMiB();
    await session.close();
    first ??= median(ms);
    const each = median(ms) / (isCached ? steps : steps + 1);
    const values = ms.map((one) => (batch * first) / one);
    const note = memory === null ? '' : `, ${memory} MiB on the card`;
    rows.push(
      ratio(`${what}, batch ${batch}: ${each.toFixed(2)} ms${note}`, 'samples per second at batch 1', values),
    );
  }
  return rows;
}

async function perplexityCalls(path, { batches, length, vocabSize }, { provider, threads, pairs, say }) {
  const checkpoint = await openCheckpoint(path);
  const session = await LossSession.start({ checkpoint, provider, threads });
  const rows = [];
  let first;
  for (const batch of batches) {
    say(`calls of perplexity, batch ${batch} …`);
    const tokens = Int32Array.from({ length }, (_, l) => (l * 7919) % (vocabSize - 1));
    const level = { t: 0.5, alpha: 0.5, oneMinusAlpha: 0.5, sigma: Math.LN2, weight: 1 };
    const calls = Array.from({ length: batch }, (_, sequence) => ({ sequence, draw: 0, x: tokens, level }));
    const model = batchModelOf(checkpoint, { seed: 1, wrapped: false });
    const run = () => session.losses(calls, model);
    await timed({ run });
    const ms = [];
    for (let i = 0; i < pairs; i++) ms.push(await timed({ run }));
    first ??= median(ms);
    const values = ms.map((one) => (batch * first) / one);
    rows.push(
      ratio(
        `call of perplexity, batch ${batch}: ${median(ms).toFixed(2)} ms`,
        'sequences per second at batch 1',
        values,
      ),
    );
  }
  await session.close();
  return rows;
}

/** @returns how many times as long PyTorch takes, a row each of its ways; the networks and weights are the same */
async function besideTorch(
  { batches: _, ...sizes },
  { provider, threads, pairs, python, folder, say, quick },
) {
  const torchSizes = quick
    ? { width: 64, condition: 32, blocks: 2, heads: 2, vocabulary: sizes.vocabSize, length: sizes.length }
    : {
        width: 768,
        condition: 128,
        blocks: 12,
        heads: 12,
        vocabulary: sizes.vocabSize,
        length: sizes.length,
      };
  const device = provider === 'cpu' || quick ? 'cpu' : 'cuda';
  say(`PyTorch on ${device} …`);
  const at = join(folder, 'torch');
  const torch = await startTorch({ python, part: 'steps', folder: at, sizes: torchSizes, threads, device });
  const path = join(at, 'ours.onnx');
  await convert(at, path);
  const { session, plan } = await startSampling(path, {
    samplerName: 'ancestral',
    steps: sizes.steps,
    threads,
    provider,
  });
  const beside = besideSteps(torch, { session, plan });
  const rows = [];
  for (const leg of ['forward', 'step']) {
    for (const mode of TORCH_MODES) {
      say(`PyTorch, ${leg}, ${mode} …`);
      const values = await beside(leg, mode, pairs);
      rows.push(
        ratio(
          `PyTorch, ${leg === 'forward' ? 'forward alone' : 'reference step'}, ${mode}`,
          'a step of ancestral',
          values,
        ),
      );
    }
  }
  await session.close();
  await torch.end();
  return rows;
}

const ratio = (what, to, values) => ({ kind: 'ratio', what, to, values, target: null, aim: null });
