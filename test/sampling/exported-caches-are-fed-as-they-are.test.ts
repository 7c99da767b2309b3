/** About src/sampling/causal-session.ts and causal-state.ts: caches as exporters make them, of float16 and behind a branch. */
import { expect, it } from 'vitest';
import { dtypeCode } from '../../src/graph/dtype.js';
import type { Graph, Value } from '../../src/graph/graph.js';
import type { NodeProto, ValueInfoProto } from '../../src/graph/onnx.js';
import { Cast, Identity, If, Slice, Squeeze } from '../../src/graph/operators.js';
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
