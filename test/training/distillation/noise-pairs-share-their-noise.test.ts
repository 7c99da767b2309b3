import { describe, expect, it } from 'vitest';
import { diffusionTransformation } from '../../../src/diffusion/transformation.js';
import { fillNormals } from '../../../src/random/normals.js';
import { fillOpenUniforms } from '../../../src/random/uniforms.js';
import { noisePair, UNIFORMS_PER_TOKEN } from '../../../src/training/distillation/feeds.js';

const COUNT = 40_000;
const X = 1;
const ratio = (gamma: number) => Math.exp(-gamma / 2);

function drawn(vocabSize: number, gammas: { later: number; earlier: number }) {
  const uniforms = new Float64Array(UNIFORMS_PER_TOKEN * COUNT);
  fillOpenUniforms(uniforms, { seed: 3, stream: 1, sequence: 0, step: 0 });
  const pair = { later: new Int32Array(COUNT), earlier: new Int32Array(COUNT) };
  const ratios = { later: ratio(gammas.later), earlier: ratio(gammas.earlier) };
  noisePair(pair, new Int32Array(COUNT).fill(X), ratios, vocabSize, uniforms);
  return pair;
}

/** Five standard deviations of a share. */
const within = (share: number) => 5 * Math.sqrt((share * (1 - share)) / COUNT);

describe.each([
  [2, { later: 1, earlier: -1 }],
  [6, { later: -0.5, earlier: -1.5 }],
  [1024, { later: -1.8, earlier: -2.6 }],
  [50_258, { later: -2.4, earlier: -2.9 }],
])('%i tokens', (vocabSize, gammas) => {
  const pair = drawn(vocabSize, gammas);

  it('keeps the token as often as the transformation says, at both levels', () => {
    for (const level of ['later', 'earlier'] as const) {
      const alpha = diffusionTransformation(gammas[level], vocabSize);
      const expected = alpha + (1 - alpha) / vocabSize;
      const share = pair[level].filter((token) => token === X).length / COUNT;
      expect(Math.abs(share - expected)).toBeLessThan(within(expected));
    }
  });

  it('loses it to every other token alike', () => {
    const lost = pair.later.filter((token) => token !== X);
    expect(lost.every((token) => token >= 0 && token < vocabSize)).toBe(true);
    const half = Math.floor(vocabSize / 2);
    const expected = (half - (X < half ? 1 : 0)) / (vocabSize - 1);
    const share = lost.filter((token) => token < half).length / lost.length;
    expect(Math.abs(share - expected)).toBeLessThan(within(0.5) * Math.sqrt(COUNT / lost.length));
  });

  it('has it at the earlier level wherever the later has it, and one other token for both', () => {
    for (const [i, token] of pair.later.entries())
      expect([X, token].includes(pair.earlier[i]) && (token !== X || pair.earlier[i] === X)).toBe(true);
    expect(pair.later.some((token, i) => token !== X && pair.earlier[i] === X)).toBe(true);
  });
});

it('is what argmax of the noised one-hot vectors is: the same share of every pair', () => {
  const [vocabSize, gammas] = [4, { later: 0.5, earlier: -0.7 }];
  const pair = drawn(vocabSize, gammas);
  const normals = new Float32Array(vocabSize * COUNT);
  fillNormals(normals, { seed: 4, stream: 2, sequence: 0, step: 0 });
  const argmax = (i: number, signal: number): number => {
    const w = normals.slice(vocabSize * i, vocabSize * (i + 1));
    w[X] += signal;
    return w.indexOf(Math.max(...w));
  };
  const counts = new Map<string, [number, number]>();
  const count = (later: number, earlier: number, which: 0 | 1) => {
    const key = `${later} ${earlier}`;
    const both = counts.get(key) ?? [0, 0];
    both[which]++;
    counts.set(key, both);
  };
  for (let i = 0; i < COUNT; i++) {
    count(pair.later[i], pair.earlier[i], 0);
    count(argmax(i, ratio(gammas.later)), argmax(i, ratio(gammas.earlier)), 1);
  }
  expect(counts.size).toBe(2 * vocabSize - 1);
  for (const [ours, theirs] of counts.values())
    expect(Math.abs(ours - theirs) / COUNT).toBeLessThan(1.5 * within(theirs / COUNT));
});
