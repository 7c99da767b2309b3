/** About src/models/exported-names.ts, src/models/promised-logits.ts and src/models/runtime-error.ts */
import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { create, type GraphProto, type NodeProto, OperatorSetIdProtoSchema } from '../../src/graph/onnx.js';
import { Cast, Neg, Reshape, Slice } from '../../src/graph/operators.js';
import { cachedCausalGraph } from '../../src/models/architectures/causal.js';
import { checkpointOfGraph } from '../../src/models/checkpoint.js';
import { networkFeeds } from '../../src/models/feeds.js';
import { brokenPromise } from '../../src/models/promised-logits.js';
import { createFailed, runFailed } from '../../src/models/runtime-error.js';
import { startSession } from '../../src/models/session.js';
import { smallNetwork } from '../graph/small-network.js';

const dimensions = { hiddenSize: 16, conditionSize: 8, blocks: 2, heads: 2, vocabSize: 20, length: 8 };

/** Renames tensors, also inside bodies. */
function renamed(proto: GraphProto, called: (name: string) => string): void {
  for (const info of [...proto.input, ...proto.output]) info.name = called(info.name);
  for (const node of proto.node as NodeProto[]) {
    node.input = node.input.map(called);
    node.output = node.output.map(called);
  }
}

describe('a cache that is called', () => {
  it.each([
    ['past.0.key', (n: string, part: string) => [`past.${n}.${part}`, `present.${n}.${part}`]],
    [
      'past_key_values.0.decoder.key',
      (n: string, part: string) => [`past_key_values.${n}.decoder.${part}`, `present.${n}.decoder.${part}`],
    ],
    [
      'past_key_values_0_key',
      (n: string, part: string) => [`past_key_values_${n}_${part}`, `present_key_values_${n}_${part}`],
    ],
    ['past_key_0', (n: string, part: string) => [`past_${part}_${n}`, `present_${part}_${n}`]],
    [
      'past_key_values_key_cache_0',
      (n: string, part: string) => [
        `past_key_values_${part}_cache_${n}`,
        `present_key_values_${part}_cache_${n}`,
      ],
    ],
  ])('%s is the same graph', (_name, called) => {
    const ours = cachedCausalGraph(dimensions);
    const theirs = Graph.fromBytes(ours.toBytes());
    renamed(theirs.proto, (name) => {
      const [, start, layer, part] = /^(past_key_values|present)\.(\d)\.(key|value)$/.exec(name) ?? [];
      return start ? called(layer, part)[start === 'present' ? 1 : 0] : name;
    });
    expect(theirs.inputs.some(({ name }) => /^past_key_values\.\d\.(key|value)$/.test(name))).toBe(false);
    const checkpoint = checkpointOfGraph(theirs, {}, 'theirs');
    expect(checkpoint.family).toBe('ar');
    expect(checkpoint.graph().proto).toEqual(Graph.fromBytes(ours.toBytes()).proto);
  });

  it('as of an encoder is that of a model which answers texts', () => {
    const graph = cachedCausalGraph(dimensions);
    graph.input('past_key_values.0.encoder.key', 'float32', ['batch', 2, 'past', 8]);
    expect(() => checkpointOfGraph(graph, {}, 'theirs')).toThrow(
      /decoder of a model that reads another text/,
    );
  });
});

describe('a graph that asks how many of the last logits it should return', () => {
  const inputIds = BigInt64Array.from([3n, 1n, 2n, 0n, 5n, 1n]);
  const logitsOf = async (graph: Graph) => {
    const checkpoint = checkpointOfGraph(graph, { family: 'ar' }, 'it');
    const bytes = checkpoint.graph().toBytes();
    const session = await startSession({ graph: bytes, folder: '', threads: 1, label: 'it' });
    const sequences = { inputIds, batch: 2, length: 3, sigma: null };
    const { logits } = await session.run(networkFeeds(checkpoint.signature, sequences), { label: 'it' });
    await session.close();
    return { dims: logits.dims, values: Array.from(logits.data as Float32Array) };
  };

  it.each([
    ['num_logits_to_keep', 'int64', []],
    ['num_logits_to_keep', 'int64', [1]],
    ['logits_to_keep', 'int32', []],
  ] as const)('by %s of %s %j returns all', async (name, dtype, shape) => {
    const graph = smallNetwork({ logits: 'all' });
    graph.clearOutputs();
    const asked = Cast(graph.input(name, dtype, shape), { to: 'int64' });
    const kept = Slice(graph.value('all', 'float32'), {
      ...{ starts: Neg(Reshape(asked, [1])), ends: graph.constant([1_000_000], 'int64'), axes: [1] },
    });
    graph.output(kept, 'logits', ['batch', 'kept', 32]);
    const { dims, values } = await logitsOf(graph);
    expect(dims).toEqual([2, 3, 32]);
    expect(values).toEqual((await logitsOf(smallNetwork())).values);
  });
});

describe('what a graph cannot do is said:', () => {
  it('logits of the last token alone', () => {
    const error = brokenPromise('sequence 0', { came: [2, 1, 32], due: [2, 8, 32] });
    expect(error).toMatchObject({
      code: 'logits-shape',
      hint: expect.stringContaining('the last token alone'),
    });
  });

  it('an empty cache', () => {
    const raw = "Non-zero status code returned while running Reshape node. Name:'r' Status Message: no";
    const error = runFailed('sequence 0', raw, cachedCausalGraph(dimensions).toBytes(), 8);
    expect(error.hint).toContain('may not accept an empty cache');
    expect(runFailed('sequence 0', raw, smallNetwork().toBytes(), 8).hint).not.toContain('cache');
  });

  it('an operator that the runtime has not', async () => {
    const graph = smallNetwork({ logits: 'plain' });
    const [made] = graph.node('MatMulOfTomorrow', [graph.value('plain')], {
      domain: 'com.microsoft',
      outputs: ['float32'],
    });
    graph.output(made, 'logits', ['batch', 'length', 32]);
    expect(graph.model.opsetImport).toContainEqual(
      create(OperatorSetIdProtoSchema, { domain: 'com.microsoft', version: 1n }),
    );
    const starting = startSession({ graph: graph.toBytes(), folder: '', threads: 1, label: 'it' });
    await expect(starting).rejects.toMatchObject({
      code: 'unknown-operator',
      message: expect.stringContaining('has no operator com.microsoft:MatMulOfTomorrow'),
    });
    expect(createFailed('it', 'something else').code).toBe('model-rejected');
  });
});
