import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Add, Cast, Concat, Mul, ReduceSum, Unsqueeze } from '../../src/graph/operators.js';
import { openCheckpoint } from '../../src/models/checkpoint.js';
import { networkFeeds } from '../../src/models/feeds.js';
import { startSession } from '../../src/models/session.js';
import { smallNetwork, writeModel } from './small-network.js';

function networkOf(inputs: readonly string[]): Graph {
  const graph = smallNetwork();
  for (const name of inputs) graph.input(name, 'int64', ['batch', 'length']);
  return graph;
}

describe('a model as exporters of autoregressive models write it', () => {
  it.each([[['attention_mask']], [['attention_mask', 'position_ids']], [['position_ids']]])(
    'is not told from an encoder by %j: the family is asked for',
    async (inputs) => {
      const path = writeModel(networkOf(inputs));
      await expect(openCheckpoint(path)).rejects.toMatchObject({
        code: 'no-family',
        hint: expect.stringContaining('--family'),
      });
    },
  );

  it('is detected by cached keys and values', async () => {
    const graph = smallNetwork();
    graph.input('past_key_values.0.key', 'float32', ['batch', 2, 'past', 4]);
    const { fields } = await openCheckpoint(writeModel(graph));
    expect(fields.family).toEqual({ value: 'ar', from: 'detected' });
    expect(fields.schedule.value).toBeNull();
  });

  it('is fed attention everywhere, positions from 0, one text and an empty cache', async () => {
    const graph = Graph.create('decoder');
    const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
    const mask = graph.input('attention_mask', 'int64', ['batch', 'length']);
    const positions = graph.input('position_ids', 'int64', ['batch', 'length']);
    const types = graph.input('token_type_ids', 'int64', ['batch', 'length']);
    const past = graph.input('past_key_values.0.key', 'float32', ['batch', 2, 'past', 4]);
    const cached = Cast(ReduceSum(past, { axes: [1, 2, 3], keepdims: false }), { to: 'int64' });
    const columns = [ids, mask, positions, Add(types, 5), Add(Mul(ids, 0), Unsqueeze(cached, [1]))];
    const logits = Concat(
      columns.map((column) => Unsqueeze(Cast(column, { to: 'float32' }), [-1])),
      { axis: -1 },
    );
    graph.output(logits, 'logits', ['batch', 'length', 5]);
    const checkpoint = await openCheckpoint(writeModel(graph));
    expect(checkpoint.family).toBe('ar');

    const session = await startSession({
      graph: checkpoint.graph().toBytes(),
      folder: checkpoint.folder,
      threads: 1,
      label: checkpoint.name,
    });
    const inputIds = BigInt64Array.from([3n, 1n, 2n, 0n, 0n, 1n]);
    const feeds = networkFeeds(checkpoint.signature, { inputIds, batch: 2, length: 3, sigma: null });
    const outputs = await session.run(feeds, { label: 'sequence 0' });
    await session.close();
    expect(outputs.logits.dims).toEqual([2, 3, 5]);
    expect(Array.from(outputs.logits.data as Float32Array)).toEqual(
      [3, 1, 2, 0, 0, 1].flatMap((id, i) => [id, 1, i % 3, 5, 0]),
    );
  });
});

describe('the family', () => {
  it('is asked for by its flag where the tensors do not tell', async () => {
    for (const sigma of [false, true]) {
      const path = writeModel(smallNetwork({ sigma }));
      const error = await openCheckpoint(path).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'no-family', exitCode: 3 });
      expect(error.hint).toContain('--family');
      expect((await openCheckpoint(path, { family: 'duo' })).family).toBe('duo');
    }
  });

  it('is not guessed for a model with an input that cannot be fed', async () => {
    await expect(openCheckpoint(writeModel(networkOf(['pixel_values'])))).rejects.toThrow(/"pixel_values"/);
  });
});
