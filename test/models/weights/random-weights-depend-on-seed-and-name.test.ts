import { describe, expect, it } from 'vitest';
import {
  elementCount,
  networkParameters,
  type Parameter,
} from '../../../src/models/architectures/parameters.js';
import { randomWeights } from '../../../src/models/weights/random-weights.js';

const dimensions = { hiddenSize: 64, conditionSize: 32, blocks: 2, heads: 4, vocabSize: 5000, length: 8 };
const parameters = networkParameters(dimensions, { adaLN: true });

async function drawn(parameter: Parameter, seed = 1, zeroed = false): Promise<Float32Array> {
  const all = new Float32Array(elementCount(parameter));
  let at = 0;
  for await (const piece of randomWeights({ seed, zeroed })(parameter)) {
    all.set(piece, at);
    at += piece.length;
  }
  expect(at).toBe(all.length);
  return all;
}
const named = (name: string) => parameters.find((parameter) => parameter.name === name)!;

describe('random weights', () => {
  it('are the same whatever else is drawn, and others for another name or seed', async () => {
    const first = await drawn(named('blocks.0.attn_out.weight'));
    expect(await drawn(named('blocks.0.attn_out.weight'))).toEqual(first);
    expect(await drawn(named('blocks.1.attn_out.weight'))).not.toEqual(first);
    expect(await drawn(named('blocks.0.attn_out.weight'), 2)).not.toEqual(first);
  });

  it('are uniform within the bounds of the layer, over more than one piece', async () => {
    const embedding = await drawn(named('vocab_embed.embedding')); // 320,000 elements
    const bound = 1 / 8;
    let sum = 0;
    let squares = 0;
    let largest = 0;
    for (const value of embedding) {
      sum += value;
      squares += value * value;
      largest = Math.max(largest, Math.abs(value));
    }
    const n = embedding.length;
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.999 * bound);
    expect(Math.abs(sum / n)).toBeLessThan((5 * bound) / Math.sqrt(3 * n));
    expect(squares / n / (bound ** 2 / 3)).toBeCloseTo(1, 2);
    expect(embedding.subarray(0, 1 << 16)).not.toEqual(embedding.subarray(1 << 18, (1 << 18) + (1 << 16)));
  });

  it('are one for normalisations, and zero where training starts a layer at zero', async () => {
    expect(new Set(await drawn(named('blocks.0.norm1.weight')))).toEqual(new Set([1]));
    const zero = [
      'output_layer.linear.weight',
      'output_layer.linear.bias',
      'blocks.1.adaLN_modulation.weight',
    ];
    for (const name of zero) {
      expect(new Set(await drawn(named(name), 1, true))).toEqual(new Set([0]));
      expect(new Set(await drawn(named(name)))).not.toEqual(new Set([0]));
    }
    expect(new Set(await drawn(named('blocks.0.mlp.0.weight'), 1, true)).size).toBeGreaterThan(1000);
  });

  it('start a sixteenth of the shift before attention, and no other modulation, away from zero in training', async () => {
    const bias = await drawn(named('blocks.1.adaLN_modulation.bias'), 1, true); // shift, scale, gate; before the MLP
    const constant = bias.subarray(0, 4); // of 64
    expect(new Set(constant).size).toBe(4);
    expect(Math.max(...constant.map(Math.abs))).toBeLessThan(3 * Math.sqrt(3 * 16));
    expect(new Set(bias.subarray(4))).toEqual(new Set([0]));
    expect(new Set(await drawn(named('output_layer.adaLN_modulation.bias'), 1, true))).toEqual(new Set([0]));
  });

  it('have as many parameters as the published network', () => {
    const small = {
      hiddenSize: 768,
      conditionSize: 128,
      blocks: 12,
      heads: 12,
      vocabSize: 50258,
      length: 1024,
    };
    const count = (adaLN: boolean) =>
      networkParameters(small, { adaLN }).reduce((sum, parameter) => sum + elementCount(parameter), 0);
    expect(count(true)).toBe(169_627_218); // of the PyTorch implementation
    expect(count(false)).toBe(162_246_482);
  });
});
