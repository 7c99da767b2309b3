import { describe, expect, it } from 'vitest';
import { generativePerplexity } from '../../../src/evals/generation/generative-perplexity.js';

const of = (nats: number[], tokens: number[], seed = 1) =>
  generativePerplexity({ nats: Float64Array.from(nats), tokens: Float64Array.from(tokens) }, { seed });

describe('generative perplexity', () => {
  it('is exp of all nats over all counted tokens, not a mean of perplexities', () => {
    const { genPpl, genNll } = of([10, 90], [10, 30]);
    expect(genNll.value).toBeCloseTo(2.5, 12);
    expect(genPpl.value).toBeCloseTo(Math.exp(2.5), 12);
  });

  it('has an interval that is the exponential of that of its nats', () => {
    const { genPpl, genNll } = of([10, 30, 12, 55, 21, 31], [10, 20, 10, 30, 10, 20]);
    expect(genPpl.ci95!.map(Math.log)[0]).toBeCloseTo(genNll.ci95![0], 3);
    expect(genPpl.ci95!.map(Math.log)[1]).toBeCloseTo(genNll.ci95![1], 3);
    expect(genNll.ci95![0]).toBeLessThan(genNll.value!);
    expect(genNll.ci95![1]).toBeGreaterThan(genNll.value!);
  });

  it('agrees with the delta method about its standard error', () => {
    const n = 400;
    const tokens = Array.from({ length: n }, (_, i) => 80 + (i % 40));
    const nats = tokens.map((count, i) => count * (3 + Math.sin(i * i)));
    const total = tokens.reduce((a, b) => a + b);
    const nll = nats.reduce((a, b) => a + b) / total;
    const squares = nats.reduce((sum, y, i) => sum + (y - nll * tokens[i]) ** 2, 0);
    const delta = Math.sqrt((n / (n - 1)) * squares) / total;
    expect(Math.abs(of(nats, tokens).genNll.stderr! / delta - 1)).toBeLessThan(0.065);
  });

  it('has no error with one sample, none counted samples aside, and is unknown without a token', () => {
    expect(of([10, 0], [5, 0]).genNll).toEqual({ value: 2, stderr: null, ci95: null });
    expect(of([0, 0], [0, 0]).genPpl).toEqual({ value: null, stderr: null, ci95: null });
  });
});
