import { describe, expect, it } from 'vitest';
import { monteCarloStderr, perplexityMetrics } from '../../src/results/statistics.js';

const tokens = Float64Array.of(10, 20, 10, 20);
const textBytes = Float64Array.of(40, 90, 50, 60);
const nats = Float64Array.of(30, 70, 35, 65);

describe('perplexity metrics', () => {
  const { ppl, nll, bitsPerByte } = perplexityMetrics({ nats, tokens, textBytes });

  it('take nats a token over all tokens, and exponentiate', () => {
    expect(nll.value).toBeCloseTo(200 / 60, 14);
    expect(ppl.value).toBeCloseTo(Math.exp(200 / 60), 10);
  });

  it('exponentiate the ends of the interval, which is then not symmetric', () => {
    expect(ppl.ci95).toEqual(nll.ci95?.map((end) => Math.exp(end)));
    expect(ppl.stderr).toBeCloseTo((ppl.value as number) * (nll.stderr as number), 12);
  });

  it('count bits of all nats over the bytes of the text', () => {
    expect(bitsPerByte.value).toBeCloseTo(200 / Math.LN2 / 240, 14);
    // By hand: residuals y − R·x of nats over bytes with R = 200/240.
    const residuals = [30 - 40 / 1.2, 70 - 90 / 1.2, 35 - 50 / 1.2, 65 - 60 / 1.2];
    const squares = residuals.reduce((sum, residual) => sum + residual ** 2, 0);
    expect(bitsPerByte.stderr).toBeCloseTo(Math.sqrt((4 / 3) * squares) / 240 / Math.LN2, 12);
  });

  it('do not depend on how the same sequences were batched, to the bit', () => {
    const again = perplexityMetrics({
      nats: nats.slice(),
      tokens: tokens.slice(),
      textBytes: textBytes.slice(),
    });
    expect(again).toEqual({ ppl, nll, bitsPerByte });
  });
});

describe('the standard error over draws', () => {
  const replicate = (shift: number) => nats.map((value) => value + shift);

  it('is that of the mean of independent randomisations', () => {
    // Totals a token differ from the mean by −6, −2, 2, 6 sixtieths; s = √(80/3), over √4 and 60 tokens.
    const replicateNats = [-1.5, -0.5, 0.5, 1.5].map(replicate);
    const { nll, ppl, bitsPerByte } = perplexityMetrics({ nats, tokens, textBytes, replicateNats });
    const expected = Math.sqrt(80 / 3 / 4) / 60;
    expect(nll.mcStderr).toBeCloseTo(expected, 14);
    expect(ppl.mcStderr).toBeCloseTo(expected * (ppl.value as number), 12);
    expect(bitsPerByte.mcStderr).toBeCloseTo((expected * 60) / 240 / Math.LN2, 14);
  });

  it('is unknown with fewer than four randomisations, and 0 for an exact loss', () => {
    const three = perplexityMetrics({ nats, tokens, textBytes, replicateNats: [-1, 0, 1].map(replicate) });
    expect(three.nll.mcStderr).toBeNull();
    expect(three.ppl.mcStderr).toBeNull();
    const exact = perplexityMetrics({ nats, tokens, textBytes, exact: true });
    expect([exact.nll.mcStderr, exact.ppl.mcStderr, exact.bitsPerByte.mcStderr]).toEqual([0, 0, 0]);
    expect(monteCarloStderr([1, 2, 3])).toBeNull();
  });

  it('refuses randomisations that cover other sequences', () => {
    const replicateNats = [1, 2, 3, 4].map(() => Float64Array.of(1, 2));
    expect(() => perplexityMetrics({ nats, tokens, textBytes, replicateNats })).toThrow(/same 4 sequences/);
  });
});
