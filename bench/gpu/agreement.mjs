/**
 * Whether a provider computes what the CPU does: losses of the same calls, in nats per token, and the distributions that samplers draw from,
 * in total variation.
 */
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { prepareBatch } from '../../dist/evals/perplexity/loss-batch.js';
import { LossSession } from '../../dist/evals/perplexity/loss-session.js';
import { zeroShotPerplexity } from '../../dist/evals/perplexity/zero-shot-perplexity.js';
import { networkFeeds } from '../../dist/models/feeds.js';
import { deviceOf, providerOf } from '../../dist/models/provider.js';
import { recording } from '../cost/model-call.mjs';
import { open, ROOT } from '../cost/subjects.mjs';

const FIXTURES = ['ar', 'mdlm', 'duo', 'sedd'];
const SEQUENCES = 16;
/** Stated: nats per token, and total variation of a token's distribution. */
const [MOST_LOSS, MOST_VARIATION] = [1e-4, 2e-5];

export async function measureAgreement({ provider, threads, quick, say }) {
  const rows = [];
  for (const name of quick ? FIXTURES.slice(0, 3) : FIXTURES) {
    say(`${name}, agreement with the cpu …`);
    const { checkpoint, stream } = await open({ path: join(ROOT, 'fixtures', `${name}.onnx`) });
    const [reference, session] = [
      await LossSession.start({ checkpoint, provider: 'cpu', threads }),
      await LossSession.start({ checkpoint, provider, threads }),
    ];
    const batches = [];
    await zeroShotPerplexity(recording(reference, batches), stream, {
      ...{ protocol: 'duo', draws: 1, seed: 1, estimator: 'plain', until: null },
      ...{ selection: { kind: 'first', count: quick ? 4 : SEQUENCES }, batch: 4 },
    });
    let worst = 0;
    for (const { calls, model } of batches) {
      const [expected, found] = [await reference.losses(calls, model), await session.losses(calls, model)];
      for (const [i, { nats }] of found.entries())
        worst = Math.max(worst, Math.abs(nats - expected[i].nats) / stream.length);
    }
    rows.push(limited(`${name}, losses`, 'cpu, nats per token', worst / MOST_LOSS, MOST_LOSS));
    const variation = await variationOf(checkpoint, feedsOf(checkpoint, batches[0]), { provider, threads });
    rows.push(
      limited(
        `${name}, distributions of tokens`,
        'cpu, total variation',
        variation / MOST_VARIATION,
        MOST_VARIATION,
      ),
    );
    await reference.close();
    await session.close();
  }
  return rows;
}

/** All inputs of the network, cached keys and values of none included. */
function feedsOf({ signature, fields }, { calls, model }) {
  const { inputIds, called, width } = prepareBatch(calls, model);
  const sigma = Float32Array.from(called, ({ level }) => (fields.timeConditioning.value ? level.sigma : 0));
  const fed = networkFeeds(signature, { inputIds, batch: called.length, length: width, sigma });
  return Object.fromEntries(
    Object.entries(fed).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]),
  );
}

/** As a share of what is allowed. */
const limited = (what, to, share, limit) => ({
  ...{
    kind: 'ratio',
    what,
    to: `${to}, in units of ${limit.toExponential(0)}`,
    values: [share],
    target: 1,
    aim: null,
  },
});

async function variationOf({ path }, feeds, { provider, threads }) {
  const found = [];
  for (const one of ['cpu', provider]) {
    const device = deviceOf(one);
    const named = device === null ? providerOf(one) : { name: providerOf(one), deviceId: device };
    const session = await ort.InferenceSession.create(path, {
      executionProviders: [named],
      intraOpNumThreads: threads,
    });
    found.push((await session.run(feeds)).logits);
    await session.release();
  }
  const [expected, computed] = found;
  const width = expected.dims.at(-1);
  let worst = 0;
  for (let at = 0; at < expected.data.length; at += width) {
    const [p, q] = [expected, computed].map(({ data }) => softmax(data.subarray(at, at + width)));
    worst = Math.max(worst, p.reduce((sum, value, v) => sum + Math.abs(value - q[v]), 0) / 2);
  }
  return worst;
}

function softmax(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
