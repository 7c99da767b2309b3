import { describe, expect, it } from 'vitest';
import { drawnFrom, inverse, inverseByBlocks, softmax, someNormals, twoUniforms } from './drawn-from.js';

const K = 300;
const ROWS = 40;
const MASK = 7;
const logits = Float32Array.from(someNormals(ROWS * K), (g) => 2.5 * g);
const uniforms = Float64Array.from({ length: ROWS }, (_, r) => (r * 0.6180339887498949) % 1);
const [coarse, fine] = twoUniforms(uniforms);
const present = Array.from({ length: ROWS }, (_, r) => (r * 31 + 8) % K);
const row = (r: number) => Array.from(logits.subarray(r * K, (r + 1) * K));

interface Shape {
  temperature?: number;
  topK?: number;
  topP?: number;
}

/** x_θ after temperature, top-k and top-p, in float64. */
function shaped(f: readonly number[], { temperature = 1, topK = f.length, topP = 1 }: Shape): Float64Array {
  let x = softmax(f.map((value) => value / temperature));
  const renormalised = (kept: ReadonlySet<number>) => {
    const sum = [...kept].reduce((a, v) => a + x[v], 0);
    return x.map((p, v) => (kept.has(v) ? p / sum : 0));
  };
  const order = () => Array.from(x.keys()).sort((a, b) => x[b] - x[a]);
  x = renormalised(new Set(order().slice(0, topK)));
  if (topP === 1) return x;
  const nucleus = new Set<number>();
  let sum = 0;
  for (const v of order()) {
    if (sum >= topP) break;
    nucleus.add(v);
    sum += x[v];
  }
  return renormalised(nucleus);
}

describe.each<Shape>([
  {},
  { temperature: 0.3 },
  { temperature: 2.5 },
  { topK: 1 },
  { topK: 20 },
  { topK: K + 5 },
  { topP: 0.9 },
  { topP: 0.05 },
  { temperature: 1.4, topK: 50, topP: 0.8 },
])('%j', (shape) => {
  it.each([false, true])(
    'is x_θ of the draw and of the present token (float32 alone: %s)',
    async (single) => {
      const drawn = await drawnFrom({
        family: 'duo',
        vocabSize: K,
        logits,
        uniforms,
        present,
        single,
        ...shape,
      });
      for (let r = 0; r < ROWS; r++) {
        const x = shaped(row(r), shape);
        const token = single ? inverseByBlocks(x, coarse[r], fine[r]) : inverse(x, uniforms[r]);
        expect(drawn.token[r]).toBe(token);
        expect(Math.abs(drawn.probability[r] / x[drawn.token[r]] - 1)).toBeLessThan(2e-6);
        expect(Math.abs(drawn.present![r] - x[present[r]])).toBeLessThan(1e-5 * x[present[r]] + 1e-30);
      }
    },
  );
});

it('takes the most probable token of the logits as they are, when greedy', async () => {
  const shape = { temperature: 0.5, topP: 0.5 };
  const drawn = await drawnFrom({ family: 'duo', vocabSize: K, logits, uniforms: null, present, ...shape });
  for (let r = 0; r < ROWS; r++) {
    const x = softmax(row(r));
    const largest = x.indexOf(Math.max(...x));
    expect(drawn.token[r]).toBe(largest);
    expect(Math.abs(drawn.probability[r] / x[largest] - 1)).toBeLessThan(2e-6);
    expect(Math.abs(drawn.present![r] / x[present[r]] - 1)).toBeLessThan(2e-6);
  }
});

describe.each(['ar', 'mdlm', 'sedd'] as const)('%s', (family) => {
  it.each([false, true])('never gives the mask (greedy: %s)', async (greedy) => {
    const tempting = logits.map((f, i) => (i % K === MASK ? 30 : f));
    const drawn = await drawnFrom({
      family,
      vocabSize: K,
      maskTokenId: MASK,
      logits: tempting,
      uniforms: greedy ? null : uniforms,
    });
    for (let r = 0; r < ROWS; r++) {
      const f = row(r).map((value, v) => (v === MASK ? Number.NEGATIVE_INFINITY : value));
      const x = softmax(f);
      expect(drawn.token[r]).toBe(greedy ? x.indexOf(Math.max(...x)) : inverse(x, uniforms[r]));
      expect(Math.abs(drawn.probability[r] / x[drawn.token[r]] - 1)).toBeLessThan(2e-6);
      if (family === 'sedd') {
        const sum = f.reduce((a, value) => a + Math.exp(value), 0);
        expect(Math.abs(drawn.logSumExp![r] - Math.log(sum))).toBeLessThan(2e-6);
      }
    }
  });
});

it('returns the sum of the scores that the network gives, whatever the temperature', async () => {
  const draws = { family: 'sedd' as const, vocabSize: K, maskTokenId: MASK, logits, uniforms };
  const plain = await drawnFrom(draws);
  const hot = await drawnFrom({ ...draws, temperature: 3, topK: 5 });
  for (let r = 0; r < ROWS; r++) expect(Math.abs(hot.logSumExp![r] - plain.logSumExp![r])).toBeLessThan(2e-6);
});

it('finds a nucleus of any size in a wide vocabulary, whatever rows are beside it', async () => {
  const wide = 12_000;
  const sharpness = [8, 3, 0.05, 0]; // nuclei of a few tokens, of hundreds, of nearly all
  const normals = someNormals(wide);
  const f = sharpness.map((scale) => Float32Array.from(normals, (g, v) => scale * g + v * 1e-7));
  const us = Float64Array.of(0.9, 0.7, 0.5, 0.3);
  const nuclei = f.map((row) => shaped(Array.from(row), { topP: 0.95 }));
  const drawnOf = async (which: readonly number[]) => {
    const rows = new Float32Array(which.length * wide);
    for (const [r, i] of which.entries()) rows.set(f[i], r * wide);
    const uniformsOf = Float64Array.from(which, (i) => us[i]);
    return drawnFrom({ family: 'ar', vocabSize: wide, logits: rows, uniforms: uniformsOf, topP: 0.95 });
  };
  const all = await drawnOf([0, 1, 2, 3]);
  for (const [i, x] of nuclei.entries()) {
    expect(all.token[i]).toBe(inverse(x, us[i]));
    expect(Math.abs(all.probability[i] / x[all.token[i]] - 1)).toBeLessThan(5e-6);
  }
  const sharp = await drawnOf([0, 1]);
  expect(sharp.token).toEqual(all.token.slice(0, 2));
  expect(sharp.probability).toEqual(all.probability.slice(0, 2));
});
