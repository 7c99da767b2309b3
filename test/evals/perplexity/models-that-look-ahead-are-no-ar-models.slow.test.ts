import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Judge } from '../../../src/evals/generation/judge.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { Graph, type Value } from '../../../src/graph/graph.js';
import { Add, Cast, CumSum, Gather, Mul, ReduceSum, Sub, Unsqueeze } from '../../../src/graph/operators.js';
import { type Checkpoint, checkpointOfGraph } from '../../../src/models/checkpoint.js';
import { CausalSession } from '../../../src/sampling/causal-session.js';
import { startDrawSession } from '../../../src/sampling/draw-session.js';
import { writeModel } from '../../graph/small-network.js';

const VOCABULARY = 40;
const tokenizerFolder = fileURLToPath(new URL('../../../fixtures/tokenizer', import.meta.url));

/** Embeddings of what a position sees of the tokens, from which its logits come. */
type Sees = (embedded: Value) => Value;
/** Running sums: itself and what is before it. */
const before: Sees = (x) => CumSum(x, 1);
/** All the text alike. */
const all: Sees = (x) => Add(Mul(before(x), 0), ReduceSum(x, { axes: [1], keepdims: true }));
/** Itself and what is after it. */
const after: Sees = (x) => Add(x, Sub(ReduceSum(x, { axes: [1], keepdims: true }), before(x)));
/** What is before it, and a thousandth of all. */
const faint: Sees = (x) => Add(before(x), Mul(all(x), 0.001));

interface Shape {
  batch?: number | string;
  length?: number | string;
  maskTokenId?: number;
}

function network(sees: Sees, { batch = 'batch', length = 'length', maskTokenId }: Shape = {}): Checkpoint {
  const graph = Graph.create('network');
  const ids = graph.input('input_ids', 'int64', [batch, length]);
  const table = Float32Array.from({ length: VOCABULARY * VOCABULARY }, (_, i) => Math.sin(i * 1.3));
  const embedding = graph.initializer('embedding', 'float32', [VOCABULARY, VOCABULARY], table);
  graph.output(Mul(sees(Gather(embedding, ids)), 0.7), 'logits', [batch, length, VOCABULARY]);
  return checkpointOfGraph(graph, { family: 'ar', maskTokenId }, 'network');
}

const on = { provider: 'cpu', threads: 1 } as const;
const scored = async (checkpoint: Checkpoint) => {
  const session = await LossSession.start({ checkpoint, ...on });
  await session.close();
  return session.probed;
};
const sampled = async (checkpoint: Checkpoint) => (await CausalSession.start({ checkpoint, ...on })).close();

const refusal = { code: 'not-causal', exitCode: 3, hint: expect.stringContaining('--family') };

describe('a model scored as autoregressive', () => {
  it.each<[string, Sees]>([
    ['sees all the text', all],
    ['sees what comes after alone', after],
    ['sees a thousandth of them', faint],
  ])('that %s is refused', async (_, sees) => {
    await expect(scored(network(sees))).rejects.toMatchObject(refusal);
  });

  it.each<[string, Shape]>([
    ['of one sequence a call', { batch: 1 }],
    ['of three sequences per call', { batch: 3 }],
    ['of a fixed shape', { batch: 1, length: 12 }],
    ['with a mask among the probe’s tokens', { maskTokenId: 1 }],
  ])('that looks back alone passes, and one that looks ahead does not: %s', async (_, shape) => {
    expect(await scored(network(before, shape))).toEqual({
      causalTokens: shape.length ?? 8,
      heedsTime: null,
    });
    await expect(scored(network(all, shape))).rejects.toMatchObject(refusal);
  });
});

it('a judge that looks ahead is refused before it has judged', async () => {
  const judge = await Judge.open(
    { path: writeModel(network(all).graph()), tokenizer: tokenizerFolder, context: 8, fresh: true, ...on },
    { note: () => {}, warn: () => {} },
  );
  await expect(judge.judge('samples', [Int32Array.of(1, 2, 3, 4)])).rejects.toMatchObject(refusal);
  await judge.close();
});

describe('a model that is sampled as autoregressive', () => {
  it.each([1, 'batch'])('and filled up to a fixed length must not see that: batch %s', async (batch) => {
    await sampled(network(before, { batch, length: 12 }));
    await expect(sampled(network(all, { batch, length: 12 }))).rejects.toMatchObject(refusal);
  });

  it('is never given a later token at a free length, so it may be of any kind', async () => {
    await sampled(network(all));
  });
});

describe('a model that draws at all positions at once, as autoregressive', () => {
  const draws = async (checkpoint: Checkpoint) => (await startDrawSession({ checkpoint, ...on })).close();

  it.each<[string, Shape]>([
    ['of a free shape', {}],
    ['of one sequence a call', { batch: 1 }],
    ['of three sequences per call', { batch: 3 }],
    ['of a fixed shape', { batch: 1, length: 12 }],
  ])('must not look ahead: %s', async (_, shape) => {
    await draws(network(before, shape));
    for (const sees of [all, after, faint])
      await expect(draws(network(sees, shape))).rejects.toMatchObject(refusal);
  });
});

describe('a model that is told the noise level', () => {
  const told = (slope: number): Checkpoint => {
    const graph = Graph.create('told');
    const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
    const sigma = graph.input('sigma', 'float32', ['batch']);
    const table = Float32Array.from({ length: VOCABULARY ** 2 }, (_, i) => Math.sin(i * 1.3));
    const embedding = graph.initializer('embedding', 'float32', [VOCABULARY, VOCABULARY], table);
    const scale = Add(Mul(Unsqueeze(Cast(sigma, { to: 'float32' }), [1, 2]), slope), 1);
    graph.output(Mul(Gather(embedding, ids), scale), 'logits', ['batch', 'length', VOCABULARY]);
    return checkpointOfGraph(graph, { family: 'duo', timeConditioning: true }, 'told');
  };

  it.each([
    [0, false, [expect.stringContaining('timeConditioning')]],
    [0.5, true, []],
  ])('by a factor of %f heeds it: %s', async (slope, heedsTime, said) => {
    const notices: string[] = [];
    const session = await LossSession.start({
      checkpoint: told(slope),
      ...on,
      notice: (text) => notices.push(text),
    });
    await session.close();
    expect(session.probed).toEqual({ causalTokens: null, heedsTime });
    expect(notices).toEqual(said);
  });
});
