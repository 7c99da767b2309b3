/** With the real runtime: a graph whose memory is within bounds for two sequences per call, and beyond any for four. */
import { expect, it } from 'vitest';
import { packedTokens } from '../../../src/datasets/packed-tokens.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { zeroShotPerplexity } from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { Graph, type Value } from '../../../src/graph/graph.js';
import { Add, ConstantOfShape, Gather, Mul, Shape, Slice } from '../../../src/graph/operators.js';
import { checkpointOfGraph } from '../../../src/models/checkpoint.js';
import { chainText, options } from './chain-session.js';

const V = 12;

/** Logits of each token from a table, and beside them batch^24 · `least` floats: 64 MiB for two, 1 PiB for four. */
function hungryModel(least: number) {
  const graph = Graph.create('hungry');
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const row = (_: unknown, i: number) => Math.sin(7 * i);
  const table = graph.initializer('table', 'float32', [V, V], Float32Array.from({ length: V * V }, row));
  const squared = (x: Value) => Mul(x, x);
  const batch = Slice(Shape(ids), { starts: [0], ends: [1], axes: [0] });
  const eighth = squared(squared(squared(batch)));
  const count = Mul(Mul(squared(eighth), eighth), graph.constant([least], 'int64'));
  const zero = Gather(ConstantOfShape(count), graph.constant(0, 'int64'));
  graph.output(Add(Gather(table, ids), zero), 'logits', ['batch', 'length', V]);
  return checkpointOfGraph(graph, { family: 'ar', vocabSize: V, timeConditioning: false }, 'hungry');
}

const stream = packedTokens('chain', chainText(12));

it('is said once, and the figure stays the same', async () => {
  const notices: string[] = [];
  const session = await LossSession.start({
    checkpoint: hungryModel(1),
    provider: 'cpu',
    threads: 1,
    notice: (text) => notices.push(text),
  });
  try {
    const halved = await zeroShotPerplexity(session, stream, { ...options, batch: 4 });
    expect(notices).toEqual(['hungry: 4 sequences per call do not fit into memory; continuing with 2.']);
    const small = await zeroShotPerplexity(session, stream, { ...options, batch: 1 });
    expect(halved.metrics).toEqual(small.metrics);
    expect(halved.modelCalls).toBe(12);
    expect(notices).toHaveLength(1);
  } finally {
    await session.close();
  }
});

it('of one sequence cannot be, and is an error', async () => {
  const evaluate = async () => {
    const session = await LossSession.start({
      checkpoint: hungryModel(2 ** 36),
      provider: 'cpu',
      threads: 1,
    });
    try {
      await zeroShotPerplexity(session, stream, { ...options, batch: 1 });
    } finally {
      await session.close();
    }
  };
  await expect(evaluate()).rejects.toMatchObject({ code: 'out-of-memory', exitCode: 3 });
});
