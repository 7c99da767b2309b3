import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { checkpointOfGraph, openCheckpoint } from '../../src/models/checkpoint.js';
import { networkFeeds } from '../../src/models/feeds.js';
import { startSession } from '../../src/models/session.js';
import { markovDenoiser } from '../../src/models/sources/markov-denoiser.js';
import { CausalSession } from '../../src/sampling/causal-session.js';
import { unevenChain } from '../models/sources/chains.js';
import { causalSamples } from './causal-samples.js';
import { chiSquareDeviate, countsOf } from './chi-square.js';

const K = 12;
const chain = unevenChain(K, 3);
const count = 4000;
const length = 10;
const bos = 5;

const small = CausalSession.start({
  checkpoint: checkpointOfGraph(
    markovDenoiser(chain, 'ar'),
    { family: 'ar', vocabSize: K, bosTokenId: bos },
    'chain',
  ),
  provider: 'cpu',
  threads: 1,
});
afterAll(async () => (await small).close());

/** p(x_l) given the first token, [length][K]. */
const marginals = [Float64Array.from({ length: K }, (_, v) => Number(v === bos))];
for (let l = 1; l < length; l++) {
  const next = new Float64Array(K);
  for (let v = 0; v < K; v++)
    for (let w = 0; w < K; w++) next[w] += marginals[l - 1][v] * chain.transition[v * K + w];
  marginals.push(next);
}

describe('samples of an exact autoregressive model', () => {
  it('have the marginals and the pairs of the chain at every position', async () => {
    const samples = await causalSamples(await small, { count, length, batch: 1000 });
    for (let l = 1; l < length; l++) {
      const at = samples.map(({ tokens }) => tokens[l]);
      expect(chiSquareDeviate(countsOf(at, K), marginals[l])).toBeLessThan(3.5);
      const pairs = samples.map(({ tokens }) => tokens[l - 1] * K + tokens[l]);
      const expected = chain.transition.map((p, pair) => marginals[l - 1][Math.floor(pair / K)] * p);
      expect(chiSquareDeviate(countsOf(pairs, K * K), expected)).toBeLessThan(3.5);
    }
  });

  it('begin with BOS, or with the tokens given, whatever is drawn there', async () => {
    const prompt = (sample: number) => [3, 1, 4].slice(0, sample % 4);
    const samples = await causalSamples(await small, { count: 8, length, prompt });
    for (const [i, { tokens }] of samples.entries()) {
      const given = prompt(i);
      expect(tokens.slice(0, Math.max(1, given.length))).toEqual(given.length ? given : [bos]);
    }
  });

  it('go on past EOS, unless told to stop there', async () => {
    const { signature, ...rest } = checkpointOfGraph(
      markovDenoiser(chain, 'ar'),
      { family: 'ar', vocabSize: K, bosTokenId: bos, eosTokenId: bos },
      'chain',
    );
    const model = await CausalSession.start({
      checkpoint: { signature, ...rest },
      provider: 'cpu',
      threads: 1,
    });
    const whole = await causalSamples(model, { count: 40, length, batch: 40 });
    const stopped = await causalSamples(model, { count: 40, length, batch: 40, options: { stop: true } });
    await model.close();
    const ends = whole.map(({ tokens }) => tokens.indexOf(bos, 1));
    expect(ends.some((end) => end > 0 && end < length - 1)).toBe(true);
    for (const [i, { tokens }] of stopped.entries()) {
      const end = ends[i] < 0 ? length : ends[i];
      expect(tokens).toEqual(whole[i].tokens.map((token, l) => (l > end ? bos : token)));
    }
  });

  it('follow the fixture’s bytes', async () => {
    const checkpoint = await openCheckpoint('fixtures/markov-ar.onnx');
    const model = await CausalSession.start({ checkpoint, provider: 'cpu', threads: 1 });
    const first = { count: 3000, length: 3, batch: 1000 };
    const samples = await causalSamples(model, first);
    await model.close();
    const network = await startSession({
      graph: checkpoint.graph().toBytes(),
      folder: checkpoint.folder,
      threads: 1,
      label: 'markov-ar',
    });
    onTestFinished(() => network.close());
    const rows = async (token: number) => {
      const inputIds = BigInt64Array.of(BigInt(token));
      const feeds = networkFeeds(checkpoint.signature, { inputIds, batch: 1, length: 1, sigma: null });
      const { logits } = await network.run(feeds, { label: 'a token' });
      return Float64Array.from(logits.data as Float32Array, Math.exp);
    };
    const afterBos = await rows(256);
    expect(samples.every(({ tokens }) => tokens[0] === 256)).toBe(true);
    const seconds = samples.map(({ tokens }) => tokens[1]);
    expect(chiSquareDeviate(countsOf(seconds, 257), afterBos)).toBeLessThan(3.5);
    const commonest = afterBos.indexOf(Math.max(...afterBos));
    const after = samples.filter(({ tokens }) => tokens[1] === commonest).map(({ tokens }) => tokens[2]);
    expect(after.length).toBeGreaterThan(100);
    expect(chiSquareDeviate(countsOf(after, 257), await rows(commonest))).toBeLessThan(3.5);
  });
});
