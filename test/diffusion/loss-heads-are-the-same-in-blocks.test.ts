import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { HEAD } from '../../src/diffusion/heads/head.js';
import { appendLossHead } from '../../src/diffusion/heads/losses.js';
import { prune } from '../../src/graph/prune.js';
import { isInSteps, isMasked as isMaskedFamily, usesMask } from '../../src/models/family.js';
import { int64, runGraph } from '../graph/run-graph.js';
import { smallNetwork } from '../graph/small-network.js';

const VOCABULARY = 4099; // wide enough for blocks, and no multiple of sixteen
const MASK = 4098;
const LENGTH = 150; // 450 positions of three sequences: the last block is not full
const FAMILIES = ['ar', 'mdlm', 'sedd', 'duo', 'd3pm', 'gidd'] as const;
type Family = (typeof FAMILIES)[number];

const token = (b: number, l: number) => (b * 1009 + l * 37) % MASK;
const isMasked = (l: number) => l % 3 === 1;

function headed(family: Family, inBlocks: boolean) {
  const graph = smallNetwork({ vocabSize: VOCABULARY, width: 8 });
  const maskTokenId = usesMask(family) ? MASK : null;
  appendLossHead(graph, family, { logits: 'logits', vocabSize: VOCABULARY, maskTokenId, inBlocks });
  prune(graph.proto);
  return graph;
}

/** Losses of some sequences in one call, sequence after sequence. */
async function losses(family: Family, inBlocks: boolean, sequences: readonly number[]): Promise<number[]> {
  const batch = sequences.length;
  const positions = sequences.flatMap((s, b) => Array.from({ length: LENGTH }, (_, l) => ({ s, b, l })));
  const levels = (values: readonly number[]) =>
    new ort.Tensor('float64', Float64Array.from(values), [values.length]);
  const feeds: Record<string, ort.Tensor> = {};
  if (isMaskedFamily(family)) {
    const rows = positions.filter(({ l }) => isMasked(l));
    const noisy = positions.map(({ s, l }) => (isMasked(l) ? MASK : token(s, l)));
    feeds.input_ids = int64(noisy, [batch, LENGTH]);
    feeds[HEAD.rows] = int64(
      rows.flatMap(({ b, l }) => [b, l]),
      [rows.length, 2],
    );
    feeds[HEAD.targets] = int64(
      rows.map(({ s, l }) => token(s, l)),
      [rows.length],
    );
    feeds[HEAD.oneMinusAlpha] = levels(rows.map(({ s }) => 0.2 + 0.3 * s));
    if (isInSteps(family)) feeds[HEAD.nextOneMinusAlpha] = levels(rows.map(({ s }) => 0.1 + 0.3 * s));
  } else {
    const noisy = positions.map(({ s, l }) => (isMasked(l) ? token(s + 7, l) : token(s, l)));
    feeds.input_ids = int64(noisy, [batch, LENGTH]);
    feeds[HEAD.targets] = int64(
      positions.map(({ s, l }) => token(s, l)),
      [batch, LENGTH],
    );
    const noise = sequences.map((s) => 0.2 + 0.3 * s);
    if (family !== 'ar') feeds[HEAD.oneMinusAlpha] = levels(noise);
    if (family === 'gidd') {
      feeds[HEAD.uniformNoise] = levels(noise.map((level) => level / 3));
      feeds[HEAD.noiseRate] = levels(noise.map((level) => 1 / level));
    }
  }
  const outputs = await runGraph(headed(family, inBlocks).toBytes(), '', feeds);
  expect(outputs[HEAD.loss].dims).toEqual(feeds[HEAD.targets].dims);
  return [...(outputs[HEAD.loss].data as Float32Array)];
}

describe.each(FAMILIES)('%s', (family) => {
  it('projects to the vocabulary inside the blocks only', () => {
    const operators = headed(family, true).proto.node.map(({ opType }) => opType);
    expect(operators).toContain('Scan');
    expect(operators).not.toContain('MatMul');
    expect(headed(family, false).proto.node.map(({ opType }) => opType)).not.toContain('Scan');
  });

  it('has the losses of all rows at once', async () => {
    const whole = await losses(family, false, [0, 1, 2]);
    const blocks = await losses(family, true, [0, 1, 2]);
    expect(Math.max(...whole)).toBeGreaterThan(1);
    for (const [i, loss] of whole.entries()) {
      expect(Math.abs(blocks[i] - loss)).toBeLessThan(1e-5 * (1 + Math.abs(loss)));
    }
  });

  it('has the same bits whatever shares the call', async () => {
    const together = await losses(family, true, [0, 1, 2]);
    const apart = [await losses(family, true, [0]), await losses(family, true, [1, 2])];
    expect(apart.flat()).toEqual(together);
  });
});
