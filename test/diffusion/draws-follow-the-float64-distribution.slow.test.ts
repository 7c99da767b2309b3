/**
 * The distribution a draw really has, from the places at which its token changes as the uniform number grows. They follow
 * from the running sums of both levels, read out of the graph, and are then checked against tokens that the head draws
 * right beside them.
 */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { blockSize, inverseCdf } from '../../src/diffusion/heads/inverse-cdf.js';
import { Graph } from '../../src/graph/graph.js';
import { Concat, Expand, Shape, Softmax } from '../../src/graph/operators.js';
import type { Feeds } from '../../src/models/feeds.js';
import { type Provider, probeProvider } from '../../src/models/provider.js';
import { startSession } from '../../src/models/session.js';
import { drawnFrom, softmax, someNormals } from './drawn-from.js';

const K = 50_257;
const SIZE = blockSize(K);
const BLOCKS = Math.ceil(K / SIZE);
const normals = someNormals(K);

/** A Vulkan driver in software; a real one is taken where it is not there. */
const softwareVulkan = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (existsSync(softwareVulkan)) vi.stubEnv('VK_DRIVER_FILES', softwareVulkan);
const webgpu = await probeProvider('webgpu');
afterAll(() => vi.unstubAllEnvs());

function entropy(x: Float64Array): number {
  return x.reduce((sum, p) => (p > 0 ? sum - p * Math.log(p) : sum), 0);
}

/** Logits of about the given entropy in nats. */
function logitsOf(nats: number): Float32Array {
  let [low, high] = [0, 64];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (entropy(softmax(normals.map((g) => middle * g))) > nats) low = middle;
    else high = middle;
  }
  return Float32Array.from(normals, (g) => low * g);
}

/** What the draw adds up: running sums over the blocks, and over each block's entries; the last one is the whole. */
interface Sums {
  blocks: Float64Array;
  inBlock: Float64Array[];
}

/** A session that makes a row a block from one row of logits, and the names of both levels' sums. */
async function startSums(provider: Provider, single: boolean) {
  const dtype = single ? 'float32' : 'float64';
  const graph = Graph.create('sums', { opset: 21 });
  const row = graph.input('given', 'float32', [1, K]);
  const names = single ? ['coarse', 'fine'] : ['coarse'];
  const uniforms = names.map((name) => graph.input(name, dtype, ['n']));
  const shape = Concat([Shape(uniforms[0]), graph.constant([K], 'int64')], { axis: 0 });
  graph.output(inverseCdf(Expand(Softmax(row), shape), K, uniforms), 'token');
  const levels = graph.proto.node.filter(({ opType }) => opType === 'CumSum');
  for (const [level, { output, input }] of levels.entries()) {
    graph.output(graph.value(output[0], dtype), `before${level}`);
    graph.output(graph.value(input[0], dtype), `of${level}`);
  }
  const request = { graph: graph.toBytes(), folder: '', provider, threads: 2, label: 'sums' };
  return { names, dtype, single, session: await startSession(request) } as const;
}

/** Both levels' sums; every block of entries is looked at by a uniform number in its middle. */
async function runningSums(
  logits: Float32Array,
  { names, dtype, single, session }: Awaited<ReturnType<typeof startSums>>,
): Promise<Sums> {
  const numbers = single ? Float32Array : Float64Array;
  const run = (us: readonly number[]) => {
    const feeds: Feeds = { given: { type: 'float32', data: logits, dims: [1, K] } };
    for (const name of names) feeds[name] = { type: dtype, data: numbers.from(us), dims: [us.length] };
    return session.run(feeds, { label: 'sums' });
  };
  const read = (outputs: Feeds, level: 0 | 1, width: number, r: number) => {
    const at = (kind: string) =>
      (outputs[`${kind}${level}`].data as Float64Array).subarray(r * width, (r + 1) * width);
    const before = Float64Array.from(at('before'));
    const whole = before[width - 1] + at('of')[width - 1];
    return Float64Array.of(...before, single ? Math.fround(whole) : whole);
  };
  const blocks = read(await run([0]), 0, BLOCKS, 0);
  const middle = (b: number) => (blocks[b] + blocks[b + 1]) / 2 / blocks[BLOCKS];
  const outputs = await run(Array.from({ length: BLOCKS }, (_, b) => middle(b)));
  const tokens = Array.from(outputs.token.data as BigInt64Array, Number);
  const inBlock = tokens.map((token, b) => {
    if (Math.floor(token / SIZE) === b) return read(outputs, 1, SIZE, b);
    // A block of next to nothing cannot be hit by any uniform number; then it does not matter either.
    expect((blocks[b + 1] - blocks[b]) / blocks[BLOCKS]).toBeLessThan(single ? 1e-7 : 1e-15);
    return new Float64Array(SIZE + 1);
  });
  return { blocks, inBlock };
}

/** The share of uniform numbers that each interval of running sums gets. */
function shares(sums: Float64Array, single: boolean): Float64Array {
  const whole = sums.at(-1)!;
  const start = (sum: number) => (single ? firstOf24Bits(sum, whole) : sum / whole);
  return Float64Array.from({ length: sums.length - 1 }, (_, i) =>
    whole === 0 ? 0 : start(sums[i + 1]) - start(sums[i]),
  );
}

/** The least u of 24 bits with u·whole ≥ sum in float32. */
function firstOf24Bits(sum: number, whole: number): number {
  let [low, high] = [0, 2 ** 24];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (Math.fround((middle / 2 ** 24) * whole) >= sum) high = middle;
    else low = middle + 1;
  }
  return low / 2 ** 24;
}

function drawnDistribution({ blocks, inBlock }: Sums, single: boolean): Float64Array {
  const x = new Float64Array(K);
  for (const [b, share] of shares(blocks, single).entries()) {
    for (const [i, part] of shares(inBlock[b], single).entries()) {
      if (b * SIZE + i < K) x[b * SIZE + i] = share * part;
      else expect(share * part).toBe(0);
    }
  }
  return x;
}

const totalVariation = (a: Float64Array, b: Float64Array) =>
  a.reduce((sum, p, v) => sum + Math.abs(p - b[v]), 0) / 2;

describe.each([
  ['cpu, float64', 'cpu', false, 1e-6, true],
  ['cpu, float32 alone', 'cpu', true, 2e-5, true],
  ['webgpu (where a Vulkan driver works)', 'webgpu', true, 2e-5, webgpu.works],
] as const)('on %s', (_, provider, single, limit, works) => {
  let sums: Awaited<ReturnType<typeof startSums>>;
  beforeAll(async () => {
    if (works) sums = await startSums(provider, single);
  });
  afterAll(() => sums?.session.close());

  it.skipIf(!works).each([0.01, 1, 6, 10.8])('logits of %d nats', async (nats) => {
    const logits = logitsOf(nats);
    const x = softmax(logits);
    expect(Math.abs(entropy(x) - nats)).toBeLessThan(0.02 * nats);
    const drawn = drawnDistribution(await runningSums(logits, sums), single);
    const distance = totalVariation(drawn, x);
    expect(distance).toBeGreaterThan(0);
    expect(distance).toBeLessThan(limit);
  });
});

it.each([1, 10.8])('the token changes where those sums say, %d nats', async (nats) => {
  const logits = logitsOf(nats);
  const cpu = await startSums('cpu', false);
  const sums = await runningSums(logits, cpu).finally(() => cpu.session.close());
  const drawn = drawnDistribution(sums, false);
  const uniforms: number[] = [];
  const expected: number[] = [];
  let [sum, token] = [0, 0];
  for (let probe = 0; probe < 60; probe++) {
    const until = (probe + 0.5) / 60;
    while (sum + drawn[token] < until) sum += drawn[token++];
    if (drawn[token] < 1e-9) continue; // too short an interval to be hit by a sum of 50,000 numbers
    uniforms.push(sum + 1e-12, sum + drawn[token] - 1e-12);
    expected.push(token, token);
  }
  const rows = new Float32Array(uniforms.length * K);
  for (let r = 0; r < uniforms.length; r++) rows.set(logits, r * K);
  const { token: found } = await drawnFrom({
    family: 'ar',
    vocabSize: K,
    logits: rows,
    uniforms: Float64Array.from(uniforms),
  });
  expect(found).toEqual(expected);
  expect(new Set(expected).size).toBeGreaterThan(1);
});
