import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.js';
import { type Checkpoint, checkpointOfGraph } from '../../src/models/checkpoint.js';
import { CausalSession, type CausalSessionOptions } from '../../src/sampling/causal-session.js';
import { networkGraph, oracle } from '../models/architectures/networks.js';
import { causalSamples } from '../samplers/causal-samples.js';

const dimensions = { ...oracle.dimensions, length: 96 };
const V = dimensions.vocabSize;
const fields = { family: 'ar', vocabSize: V, bosTokenId: 1 } as const;
const request = { count: 7, length: 80, batch: 7 };

async function started(
  graph: Graph,
  options: Partial<CausalSessionOptions> = {},
  name = 'causal',
): Promise<CausalSession> {
  const checkpoint: Checkpoint = checkpointOfGraph(graph, fields, name);
  return CausalSession.start({ checkpoint, provider: 'cpu', threads: 1, ...options });
}

async function tokensOf(model: CausalSession, changes: Partial<Parameters<typeof causalSamples>[1]> = {}) {
  const samples = await causalSamples(model, { ...request, ...changes });
  return samples.map(({ tokens }) => tokens);
}

let cached: CausalSession;
let uncached: CausalSession;
beforeAll(async () => {
  cached = await started(await networkGraph('cached', dimensions));
  uncached = await started(await networkGraph('causal', dimensions));
});
afterAll(() => Promise.all([cached.close(), uncached.close()]));

describe('tokens drawn with cached keys and values', () => {
  it('are those drawn by reading all tokens again for each, from the same numbers', async () => {
    expect([cached.cached, uncached.cached]).toEqual([true, false]);
    const drawn = await tokensOf(cached);
    expect(new Set(drawn.flat()).size).toBeGreaterThan(V / 2);
    expect(drawn).toEqual(await tokensOf(uncached));
  });

  it('are the same after prompts of different lengths', async () => {
    const prompt = (sample: number) => Array.from({ length: 3 + 5 * sample }, (_, i) => (7 * i + sample) % V);
    expect(await tokensOf(cached, { prompt })).toEqual(await tokensOf(uncached, { prompt }));
  });

  it('are the same in any batch', async () => {
    const whole = await tokensOf(cached);
    for (const batch of [1, 2, 4]) expect(await tokensOf(cached, { batch })).toEqual(whole);
  });

  it('are the same where the graph gives past and present only together, in a branch for each', async () => {
    const graph = await networkGraph('cached', dimensions);
    graph.input('use_cache_branch', 'bool', [1]);
    const merged = await started(graph, {}, 'merged');
    expect(merged.cached).toBe(true);
    expect(await tokensOf(merged)).toEqual(await tokensOf(uncached));
    await merged.close();
  });

  it('are the same from a graph of a fixed batch or length', async () => {
    for (const [form, name, axis, size] of [
      ['cached', 'input_ids', 0, 9],
      ['causal', 'input_ids', 0, 9],
      ['cached', 'input_ids', 1, 1],
      ['causal', 'input_ids', 1, 96],
    ] as const) {
      const graph = await networkGraph(form, dimensions);
      fixAxis(graph, name, axis, size);
      const model = await started(graph);
      expect(model.cached).toBe(form === 'cached');
      expect(await tokensOf(model)).toEqual(await tokensOf(uncached));
      await model.close();
    }
  });

  it('are refused in a batch larger than a graph takes', async () => {
    const graph = await networkGraph('cached', dimensions);
    fixAxis(graph, 'input_ids', 0, 3);
    const model = await started(graph);
    await expect(tokensOf(model)).rejects.toMatchObject({ code: 'batch-past-graph', exitCode: 3 });
    await model.close();
  });

  it('follow temperature, top-k and top-p', async () => {
    const wanted = { temperature: 0.7, topK: 9, topP: 0.8 };
    const [a, b, sharp] = await Promise.all([
      started(await networkGraph('cached', dimensions), wanted),
      started(await networkGraph('causal', dimensions), wanted),
      started(await networkGraph('cached', dimensions), { topK: 1 }),
    ]);
    const drawn = await tokensOf(a);
    expect(drawn).toEqual(await tokensOf(b));
    expect(drawn).not.toEqual(await tokensOf(cached));
    const greedy = await tokensOf(sharp);
    expect(new Set(greedy.map(String)).size).toBe(1);
    await Promise.all([a, b, sharp].map((model) => model.close()));
  });
});

describe('calls of the network', () => {
  it('are one for a prompt and one for every further token, the last one unread', async () => {
    const prompt = () => [1, 2, 3, 4, 5];
    for (const model of [cached, uncached]) {
      const [sample] = await causalSamples(model, { ...request, count: 1, prompt });
      expect(sample.networkCalls).toBe(request.length - 5);
    }
  });
});

function fixAxis(graph: Graph, input: string, axis: number, size: number): void {
  const info = graph.proto.input.find(({ name }) => name === input);
  const type = info?.type?.value;
  if (type?.case !== 'tensorType') throw new Error(`no tensor ${input}`);
  type.value.shape!.dim[axis].value = { case: 'dimValue', value: BigInt(size) };
}
