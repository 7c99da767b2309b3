import { describe, expect, it } from 'vitest';
import { perplexityMetrics } from '../../src/records/text-figures.js';

const tokens = Float64Array.of(10, 20, 10, 20);
const textBytes = Float64Array.of(40, 90, 50, 60);
const nats = Float64Array.of(30, 70, 35, 65);

describe('perplexity metrics', () => {
  const { ppl, nll, bitsPerByte } = perplexityMetrics({ nats, tokens, textBytes, natsMcStderr: 6 }, 1);

  it('take nats per token over all tokens, and exponentiate', () => {
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
    const squares = residuals.reduce((sum, residual, i) => sum + (residual / (240 - textBytes[i])) ** 2, 0);
    expect(bitsPerByte.stderr).toBeCloseTo(Math.sqrt((3 / 4) * squares) / Math.LN2, 12);
  });

  it('do not depend on how the same sequences were batched, to the bit', () => {
    const again = perplexityMetrics(
      { nats: nats.slice(), tokens: tokens.slice(), textBytes: textBytes.slice(), natsMcStderr: 6 },
      1,
    );
    expect(again).toEqual({ ppl, nll, bitsPerByte });
  });
});

describe('the standard error over draws', () => {
  const withError = (natsMcStderr: number | null) =>
    perplexityMetrics({ nats, tokens, textBytes, natsMcStderr });

  it('is that of the total, a token, a byte, and by the delta method of perplexity', () => {
    const { nll, ppl, bitsPerByte } = withError(6);
    expect(nll.mcStderr).toBeCloseTo(6 / 60, 14);
    expect(ppl.mcStderr).toBeCloseTo((6 / 60) * (ppl.value as number), 12);
    expect(bitsPerByte.mcStderr).toBeCloseTo(6 / 240 / Math.LN2, 14);
  });

  it('stays unknown where it is, and 0 for an exact loss', () => {
    const unknown = withError(null);
    expect([unknown.nll.mcStderr, unknown.ppl.mcStderr, unknown.bitsPerByte.mcStderr]).toEqual([
      null,
      null,
      null,
    ]);
    const exact = withError(0);
    expect([exact.nll.mcStderr, exact.ppl.mcStderr, exact.bitsPerByte.mcStderr]).toEqual([0, 0, 0]);
  });
});
