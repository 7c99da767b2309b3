import { expect, it } from 'vitest';
import { generativePerplexity } from '../../src/evals/generation/generative-perplexity.js';
import { fillUniforms } from '../../src/random/uniforms.js';
import { bootstrapT, intervalMethod } from '../../src/statistics/bootstrap.js';

const SIGMA = 0.4;
const TOKENS = 100;
const TRIALS = 4000;

/** Nats of sequences whose means a token are lognormal around 4: exp(ln 4 + σ z − σ²/2), z by Box and Muller. */
function lognormal(size: number, trial: number): Float64Array {
  const u = new Float64Array(2 * size);
  fillUniforms(u, { seed: 17, stream: 0x30, sequence: trial, step: size });
  return Float64Array.from({ length: size }, (_, i) => {
    const z = Math.sqrt(-2 * Math.log1p(-u[2 * i])) * Math.cos(2 * Math.PI * u[2 * i + 1]);
    return TOKENS * 4 * Math.exp(SIGMA * z - SIGMA ** 2 / 2);
  });
}

it.each([4, 6])(
  'intervals of %d samples have an end, and hold the truth about as often as they say',
  (size) => {
    let covered = 0;
    const widths: number[] = [];
    for (let trial = 0; trial < TRIALS; trial++) {
      const judged = { nats: lognormal(size, trial), tokens: new Float64Array(size).fill(TOKENS) };
      const [low, high] = generativePerplexity(judged, { seed: 1 }).genNll.ci95!;
      if (low <= 4 && 4 <= high) covered++;
      widths.push(high - low);
    }
    widths.sort((a, b) => a - b);
    const share = covered / TRIALS;
    // Seen: 92.8% of 4 samples, 92.7% of 6. Of lognormal means Student's t covers a little less than it says; 4 standard errors of the trials are 1.6%.
    expect(share).toBeGreaterThan(0.9);
    expect(share).toBeLessThan(0.97);
    expect(widths.at(-1)).toBeLessThan(60);
  },
);

it('is Student’s t with n − 1 degrees of freedom, by hand', () => {
  const nats = Float64Array.of(380, 400, 410, 450);
  const { genNll, genPpl } = generativePerplexity(
    { nats, tokens: new Float64Array(4).fill(100) },
    { seed: 1 },
  );
  const stderr = Math.sqrt((0.3 ** 2 + 0.1 ** 2 + 0 + 0.4 ** 2) / 3 / 4);
  expect(genNll.stderr).toBeCloseTo(stderr, 12);
  expect(genNll.ci95![0]).toBeCloseTo(4.1 - 3.182446305284263 * stderr, 9);
  expect(genNll.ci95![1]).toBeCloseTo(4.1 + 3.182446305284263 * stderr, 9);
  expect(genPpl.ci95![1]).toBeCloseTo(Math.exp(genNll.ci95![1]), 6);
});

it('four samples of which three are almost equal have an interval that is of use', () => {
  const values = [3, 3 + 1e-9, 4, 3];
  const statistic = (indices: Uint32Array) => {
    const drawn = Array.from(indices, (i) => values[i]);
    const mean = drawn.reduce((a, b) => a + b) / drawn.length;
    const squares = drawn.reduce((a, b) => a + (b - mean) ** 2, 0);
    return { value: mean, stderr: Math.sqrt(squares / (drawn.length - 1) / drawn.length) };
  };
  const [low, high] = bootstrapT(4, statistic, { seed: 1 }).ci95!;
  expect(high - low).toBeLessThan(2);
});

it('from 8 samples on it is the bootstrap', () => {
  expect([3, 7, 8, 64].map(intervalMethod)).toEqual(['student-t', 'student-t', 'bootstrap-t', 'bootstrap-t']);
});
