/** About src/sampling/causal-session.ts and causal-state.ts: caches as exporters make them, of float16 and behind a branch. */
import { expect, it } from 'vitest';
import { dtypeCode } from '../../src/graph/dtype.js';
import { Graph, type Value } from '../../src/graph/graph.js';
import type { NodeProto, ValueInfoProto } from '../../src/graph/onnx.js';
import {
  Add,
  Cast,
  Gather,
  Identity,
  If,
  MatMul,
  ReduceSum,
  Shape,
  Slice,
  Squeeze,
  Sub,
} from '../../src/graph/operators.js';
import { checkpointOfGraph } from '../../src/models/checkpoint.js';
import { CausalSession } from '../../src/sampling/causal-session.js';
import { networkGraph, oracle } from '../models/architectures/networks.js';
import { causalSamples } from '../samplers/causal-samples.js';

const dimensions = { ...oracle.dimensions, length: 24 };
const fields = { family: 'ar', vocabSize: dimensions.vocabSize, bosTokenId: 1 } as const;
const pasts = ({ proto }: Graph) => proto.input.filter(({ name }) => name.startsWith('past_key_values.'));

/** Puts nodes between the cached keys and values and what reads them. */
function between(graph: Graph, make: (past: Value) => Value): void {
  const { node } = graph.proto;
  const before = node.length;
  const made = new Map(
    pasts(graph).map(({ name }) => [name, make(graph.value(name, 'float32')).name] as const),
  );
  const added = node.splice(before);
  const redirect = (each: NodeProto) => {
    each.input = each.input.map((name) => made.get(name) ?? name);
    for (const { g } of each.attribute) for (const inner of g?.node ?? []) redirect(inner);
  };
  for (const each of node) redirect(each);
  node.unshift(...added);
}

function becomesFloat16({ type }: ValueInfoProto): void {
  if (type?.value.case === 'tensorType') type.value.value.elemType = dtypeCode('float16');
}

/** Keys and values of float16 in and out, in a network of float32. */
async function ofFloat16(): Promise<Graph> {
  const graph = await networkGraph('cached', dimensions);
  for (const info of pasts(graph)) becomesFloat16(info);
  between(graph, (past) => Cast({ ...past, dtype: 'float16' }, { to: 'float32' }));
  for (const info of graph.proto.output.filter(({ name }) => name.startsWith('present.'))) {
    const made = graph.value(info.name, 'float32');
    for (const node of graph.proto.node)
      node.output = node.output.map((name) => (name === info.name ? `${name}/wide` : name));
    const cast = Cast({ ...made, name: `${info.name}/wide` }, { to: 'float16' });
    const last = graph.proto.node[graph.proto.node.length - 1];
    last.output = last.output.map((name) => (name === cast.name ? info.name : name));
    becomesFloat16(info);
  }
  return graph;
}

/** A merged decoder: without its branch it reads no past, whatever it is given. */
async function merged(): Promise<Graph> {
  const graph = await networkGraph('cached', dimensions);
  const branch = graph.input('use_cache_branch', 'bool', [1]);
  between(graph, (past) =>
    If(
      Squeeze(branch, [0]),
      (capture) => Identity(capture(past)),
      (capture) => Slice(capture(past), { starts: [0], ends: [0], axes: [2] }),
    ),
  );
  return graph;
}

async function tokensOf(graph: Graph, cached: boolean): Promise<number[][]> {
  const checkpoint = checkpointOfGraph(graph, fields, 'exported');
  const model = await CausalSession.start({ checkpoint, provider: 'cpu', threads: 1 });
  expect(model.cached).toBe(cached);
  const prompt = (sample: number) => [1, (3 * sample) % dimensions.vocabSize, 2];
  const samples = await causalSamples(model, { count: 6, length: 20, batch: 6, prompt });
  await model.close();
  return samples.map(({ tokens }) => tokens);
}

const whole = async () => tokensOf(await networkGraph('causal', dimensions), false);

it('a merged decoder writes what it writes when it reads all tokens again', async () => {
  expect(await tokensOf(await merged(), true)).toEqual(await whole());
});

it('one whose cache is float16 writes the same but where a draw is within its rounding', async () => {
  const [rounded, due] = [await tokensOf(await ofFloat16(), true), await whole()];
  const alike = rounded.filter((tokens, i) => tokens.join() === due[i].join());
  expect(alike.length).toBeGreaterThanOrEqual(5);
});

/** Attention as the exports of onnxruntime-genai have it: one operator with rotary positions, whose cache grows inside it. */
function withGroupedQueries(): Graph {
  const [V, heads, size, positions] = [dimensions.vocabSize, 2, 16, 32];
  const width = heads * size;
  const graph = Graph.create('grouped');
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const mask = graph.input('attention_mask', 'int64', ['batch', 'total']);
  const past = (part: string) =>
    graph.input(`past_key_values.0.${part}`, 'float32', ['batch', 1, 'past', size]);
  const [key, value] = ['key', 'value'].map(past);
  const weights = (name: string, rows: number, columns: number, phase: number) =>
    graph.initializer(
      name,
      'float32',
      [rows, columns],
      Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(7.3 * i + phase) / 3),
    );
  const angles = (of: (angle: number) => number) =>
    Float32Array.from({ length: (positions * size) / 2 }, (_, i) =>
      of(Math.floor((2 * i) / size) * 100 ** (-(i % (size / 2)) / (size / 2))),
    );
  const x = Gather(weights('embed', V, width, 0), ids);
  const seen = Cast(Sub(ReduceSum(mask, { axes: [1], keepdims: true }), 1), { to: 'int32' });
  const total = Cast(Gather(Shape(mask), 1), { to: 'int32' });
  const tables = (
    [
      ['cos', Math.cos],
      ['sin', Math.sin],
    ] as const
  ).map(([name, of]) => graph.initializer(name, 'float32', [positions, size / 2], angles(of)));
  const [attended, keys, values] = graph.node(
    'GroupQueryAttention',
    [
      MatMul(x, weights('q', width, width, 1)),
      MatMul(x, weights('k', width, size, 2)),
      MatMul(x, weights('v', width, size, 3)),
      ...[key, value, seen, total, ...tables],
    ],
    {
      domain: 'com.microsoft',
      outputs: ['float32', 'float32', 'float32'],
      attributes: { num_heads: heads, kv_num_heads: 1, do_rotary: 1 },
    },
  );
  graph.output(MatMul(Add(x, attended), weights('head', width, V, 4)), 'logits', ['batch', 'length', V]);
  graph.output(keys, 'present.0.key', ['batch', 1, 'total', size]);
  graph.output(values, 'present.0.value', ['batch', 1, 'total', size]);
  return graph;
}

it('one inside the runtime’s own attention writes what it writes when it reads all tokens again', async () => {
  const whole = withGroupedQueries();
  whole.proto.output = whole.proto.output.filter(({ name }) => name === 'logits');
  const tokens = await tokensOf(withGroupedQueries(), true);
  expect(tokens).toEqual(await tokensOf(whole, false));
  expect(new Set(tokens.flat()).size).toBeGreaterThan(5);
});
