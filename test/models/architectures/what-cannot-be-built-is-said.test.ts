import { describe, expect, it } from 'vitest';
import { cachedCausalGraph } from '../../../src/models/architectures/causal.js';
import { ditGraph } from '../../../src/models/architectures/dit.js';
import type { Feeds, TensorData } from '../../../src/models/feeds.js';
import { cacheLayout, exposeAdded, KeyValueCache } from '../../../src/models/key-value-cache.js';
import { startSession } from '../../../src/models/session.js';
import { readSignature } from '../../../src/models/signature.js';
import { emptyPast, type Form, int64, networkGraph, oracle, sessionOf } from './networks.js';

const { dimensions } = oracle;
const failure = (build: () => unknown) => {
  try {
    build();
  } catch (error) {
    const { code, message, hint, exitCode } = error as Record<string, unknown>;
    return { code, message, hint, exitCode };
  }
  throw new Error('nothing was thrown');
};

describe('dimensions of no network', () => {
  it.each([ditGraph, cachedCausalGraph])('heads that do not divide the width, in %o', (build) => {
    expect(failure(() => build({ ...dimensions, heads: 5 }))).toEqual({
      code: 'heads-do-not-divide',
      message: '5 heads do not divide the width 24: each head would be 4.80 wide.',
      hint: 'Use a number of heads that divides 24, for example 4.',
      exitCode: 3,
    });
  });

  it('an odd rotary size', () => {
    expect(failure(() => ditGraph({ ...dimensions, heads: 8 }))).toMatchObject({
      code: 'odd-rotary-size',
      message: 'Heads of width 3 have no rotary positions: these turn pairs, so the width must be even.',
    });
  });

  it.each([0, -1, 1.5, Number.NaN])('%d blocks', (blocks) => {
    expect(failure(() => ditGraph({ ...dimensions, blocks }))).toMatchObject({ code: 'bad-dimensions' });
  });
});

describe('calls that do not fit', () => {
  const run = async (form: Form, feeds: Feeds) => {
    const graph = (await networkGraph(form, dimensions)).toBytes();
    const session = await startSession({ graph, folder: '', label: 'the model', threads: 1 });
    return session.run(feeds, { label: 'sequence 0' }).finally(() => session.close());
  };
  const tooLong = {
    code: 'length-past-model',
    message: 'sequence 0: the sequences are longer than the model has positions for.',
    exitCode: 3,
  };

  it('a length past the model', async () => {
    const ids = new BigInt64Array(dimensions.length + 1);
    const input_ids: TensorData = { type: 'int64', data: ids, dims: [1, ids.length] };
    const sigma: TensorData = { type: 'float32', data: Float32Array.of(1), dims: [1] };
    await expect(run('dit', { input_ids, sigma })).rejects.toMatchObject(tooLong);
  });

  it('a cached position past the model', async () => {
    const one = (value: number): TensorData => ({
      type: 'int64',
      data: BigInt64Array.of(BigInt(value)),
      dims: [1, 1],
    });
    const cache = new KeyValueCache(cacheLayout('it', readSignature(cachedCausalGraph(dimensions), 'it')), 1);
    const feeds = { input_ids: one(1), position_ids: one(dimensions.length), attention_mask: one(1) };
    await expect(run('cached', { ...feeds, ...cache.feeds() })).rejects.toMatchObject(tooLong);
  });

  it('past tensors of another model', async () => {
    const network = await sessionOf(await networkGraph('cached', dimensions));
    const call = network.run({
      input_ids: int64([[1]]),
      position_ids: int64([[0]]),
      attention_mask: int64([[1]]),
      ...emptyPast({ ...dimensions, heads: 2 }, 1),
    });
    await expect(call).rejects.toThrow(/past_key_values/);
  });

  it('keys and values of another model are not put into a cache', () => {
    const graph = cachedCausalGraph(dimensions);
    const cache = new KeyValueCache(cacheLayout('small', readSignature(graph, 'small')), 1);
    const dims = [1, 2, 1, 12];
    const foreign = Object.fromEntries(
      cache.layout.parts.map((part) => [
        `added.${part}`,
        { type: 'float32' as const, data: new Float32Array(24), dims },
      ]),
    );
    expect(failure(() => cache.store(foreign))).toMatchObject({
      code: 'foreign-cache',
      message:
        'small: keys and values "0.key" of shape [1, 2, 1, 12] do not belong to its cache, which takes [1, 3, 1, 8].',
    });
  });

  it('a model without a cache', () => {
    const graph = ditGraph(dimensions);
    expect(failure(() => cacheLayout('dit', readSignature(graph, 'dit')))).toMatchObject({
      code: 'no-cache',
      message: 'dit takes no cached keys and values (inputs past_key_values.*).',
    });
  });

  it('a cache that does not grow by concatenation', () => {
    const graph = cachedCausalGraph(dimensions);
    const layout = cacheLayout('odd', readSignature(graph, 'odd'));
    const concat = graph.proto.node.find((node) => node.input[0] === 'past_key_values.1.value');
    concat!.input.reverse();
    expect(failure(() => exposeAdded(graph, layout))).toMatchObject({
      code: 'no-cache',
      message: 'odd: its output "present.1.value" is not the past with new positions after it.',
    });
  });
});
