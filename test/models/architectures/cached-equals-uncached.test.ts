import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { Feeds } from '../../../src/models/feeds.js';
import { cacheLayout, exposeAdded, KeyValueCache } from '../../../src/models/key-value-cache.js';
import { readSignature } from '../../../src/models/signature.js';
import {
  emptyPast,
  int64,
  largestDifference,
  networkGraph,
  numbers,
  oracle,
  type RunnableNetwork,
  sessionOf,
} from './networks.js';

const { dimensions } = oracle;
const V = dimensions.vocabSize;

/** Sequences of 4, 16 and 9 tokens, padded on the left with token 0 as exporters' batches are. */
const lengths = [4, 16, 9];
const width = Math.max(...lengths);
const texts = lengths.map((n, b) => Array.from({ length: n }, (_, i) => (5 * i * i + 11 * b + 3) % V));
const padding = lengths.map((n) => width - n);
const ids = texts.map((text, b) => [...Array<number>(padding[b]).fill(0), ...text]);
const visible = padding.map((pad) => Array.from({ length: width }, (_, i) => Number(i >= pad)));
const positions = padding.map((pad) => Array.from({ length: width }, (_, i) => Math.max(0, i - pad)));

const columns = (rows: number[][], from: number, to: number) => int64(rows.map((row) => row.slice(from, to)));

/** Logits of each text alone, in one call of the whole-sequence form. */
async function uncached(): Promise<Float32Array[]> {
  const network = await sessionOf(await networkGraph('causal', dimensions));
  const all: Float32Array[] = [];
  for (const text of texts) all.push(numbers((await network.run({ input_ids: int64([text]) })).logits));
  return all;
}

/** Compares a call's logits for columns [from, to) of the batch with those of each text alone. */
function differenceAt(logits: ort.Tensor, from: number, to: number, alone: Float32Array[]): number {
  let largest = 0;
  for (const [b, pad] of padding.entries()) {
    for (let column = Math.max(from, pad); column < to; column++) {
      const at = (b * (to - from) + column - from) * V;
      const row = numbers(logits).subarray(at, at + V);
      const expected = alone[b].subarray((column - pad) * V, (column - pad + 1) * V);
      largest = Math.max(largest, largestDifference(row, expected));
    }
  }
  return largest;
}

async function byPresents(network: RunnableNetwork, steps: number[], alone: Float32Array[]): Promise<number> {
  let past = emptyPast(dimensions, ids.length);
  let largest = 0;
  for (let from = 0, s = 0; from < width; s++) {
    const to = Math.min(width, from + steps[s % steps.length]);
    const { logits, ...presents } = await network.run({
      input_ids: columns(ids, from, to),
      position_ids: columns(positions, from, to),
      attention_mask: columns(visible, 0, to),
      ...past,
    });
    largest = Math.max(largest, differenceAt(logits, from, to, alone));
    past = Object.fromEntries(
      Object.entries(presents).map(([name, tensor]) => [name.replace('present', 'past_key_values'), tensor]),
    );
    from = to;
  }
  return largest;
}

describe.each(['fused', 'plain'])('the %s cached form', (form) => {
  it.each([[[1]], [[16]], [[3, 1, 5]]])(
    'in steps of %j gives the uncached logits at every position of every length',
    async (steps) => {
      const network = await sessionOf(await networkGraph('cached', dimensions, { fused: form === 'fused' }));
      expect(await byPresents(network, steps, await uncached())).toBeLessThan(1e-5);
    },
  );
});

describe('the cache kept outside the graph', () => {
  it.each([[[1]], [[2, 7]]])('in steps of %j gives the uncached logits too', async (steps) => {
    const graph = await networkGraph('cached', dimensions);
    const layout = cacheLayout('the model', readSignature(graph, 'the model'));
    exposeAdded(graph, layout);
    const network = await sessionOf(graph);
    const cache = new KeyValueCache(layout, ids.length);
    const alone = await uncached();
    for (let from = 0, s = 0; from < width; s++) {
      const to = Math.min(width, from + steps[s % steps.length]);
      const fed = { ...cache.feeds(), attention_mask: cache.attentionMask(to - from, visible) };
      const { logits, ...added } = await network.run({
        input_ids: columns(ids, from, to),
        position_ids: columns(positions, from, to),
        ...tensors(fed),
      });
      expect(differenceAt(logits, from, to, alone)).toBeLessThan(1e-5);
      cache.store(added as unknown as Feeds);
      from = to;
    }
    expect(cache.filled).toBe(width);
  });
});

function tensors(feeds: Feeds): Record<string, ort.Tensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      new ort.Tensor(type as 'float32', data as Float32Array, dims),
    ]),
  );
}
