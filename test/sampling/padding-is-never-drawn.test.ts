/** About src/diffusion/heads/head.ts, src/sampling/draw-session.ts and causal-session.ts: logits beyond the tokenizer are no tokens. */
import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Gather } from '../../src/graph/operators.js';
import { checkpointOfGraph } from '../../src/models/checkpoint.js';
import type { Family } from '../../src/models/family.js';
import { resolveSampler, samplerOptions } from '../../src/samplers/registry.js';
import { generate } from '../../src/sampling/generate.js';
import { sampledModel } from '../../src/sampling/sample-request.js';
import { startSamplingSession } from '../../src/sampling/sampling-session.js';

const [TEXT, MASK, WIDTH, LENGTH] = [5, 6, 9, 8];

/** Whatever it reads, the padding is most probable. */
function padded(family: Family) {
  const graph = Graph.create('padded');
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const row = Array.from({ length: WIDTH }, (_, v) => (v < TEXT ? 0.1 * v : v === MASK ? 1 : 9));
  const table = Float32Array.from({ length: WIDTH * WIDTH }, (_, i) => row[i % WIDTH]);
  const logits = Gather(graph.initializer('table', 'float32', [WIDTH, WIDTH], table), ids);
  graph.output(logits, 'logits', ['batch', 'length', WIDTH]);
  const mask = family === 'ar' ? {} : { maskTokenId: MASK };
  return checkpointOfGraph(graph, { family, textVocabSize: TEXT, bosTokenId: 0, ...mask }, 'padded');
}

describe.each([
  ['ar', 'ar'],
  ['mdlm', 'ancestral'],
  ['sedd', 'analytic'],
  ['d3pm', 'ancestral'],
  ['mdlm', 'unmask'],
] as const)('of %s by %s', (family, name) => {
  it.each([
    ['drawn', { temperature: 1, topK: null, topP: null }],
    ['with top-k and a temperature', { temperature: 0.5, topK: 3, topP: null }],
  ])('%s', async (_, how) => {
    const checkpoint = padded(family);
    const sampler = await resolveSampler(name);
    const options = samplerOptions(sampler.sampler, []);
    const session = await startSamplingSession({
      ...{ checkpoint, sampler: sampler.sampler, options, provider: 'cpu', threads: 1 },
      ...how,
    });
    const plan = { model: sampledModel(checkpoint), source: session.source, sampler, options };
    const many = { steps: 4, length: LENGTH, seed: 2, samples: 24, batch: 24 };
    const tokens: number[] = [];
    for await (const batch of generate({ ...plan, ...many }))
      for (const sample of batch) tokens.push(...sample.tokens);
    await session.close();
    expect(tokens).toHaveLength(24 * LENGTH);
    expect(Math.max(...tokens)).toBeLessThan(TEXT);
    expect(new Set(tokens).size).toBeGreaterThan(2);
  });
});
