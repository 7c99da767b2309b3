import { describe, expect, it } from 'vitest';
import { pairedComparison } from '../../src/results/statistics.js';

const n = 50;
const textTokens = new Float64Array(n).fill(126);
/** Sequences differ much in difficulty; models differ little and steadily. */
const hard = Float64Array.from({ length: n }, (_, i) => 126 * (4 + Math.sin(i)));

describe('the paired comparison', () => {
  it('is the difference in nats a text token, first minus second', () => {
    const better = hard.map((nats, i) => nats - 126 * (0.02 + 0.01 * Math.cos(3 * i)));
    const { deltaNll, stderr, ci95, significant } = pairedComparison({
      natsA: better,
      natsB: hard,
      textTokens,
    });
    expect(deltaNll).toBeCloseTo(-0.02, 3);
    expect(significant).toBe(true);
    expect(ci95?.[1]).toBeLessThan(0);
    // Unpaired, each mean has a standard error of about 0.1, five times the difference.
    expect(stderr).toBeLessThan(0.002);
  });

  it('is the negative when the models change places', () => {
    const other = hard.map((nats, i) => nats + Math.cos(i));
    const ab = pairedComparison({ natsA: hard, natsB: other, textTokens });
    const ba = pairedComparison({ natsA: other, natsB: hard, textTokens });
    expect(ba.deltaNll).toBe(-(ab.deltaNll as number));
    expect(ba.stderr).toBe(ab.stderr);
  });

  it('is not significant when the interval holds 0, as for a model against itself', () => {
    const noisy = hard.map((nats, i) => nats + 40 * Math.cos(5 * i));
    expect(pairedComparison({ natsA: noisy, natsB: hard, textTokens }).significant).toBe(false);
    const itself = pairedComparison({ natsA: hard, natsB: hard, textTokens });
    expect(itself).toEqual({ deltaNll: 0, stderr: 0, ci95: [0, 0], significant: false });
  });

  it('does not decide on one sequence', () => {
    const one = { natsA: Float64Array.of(1), natsB: Float64Array.of(2), textTokens: Float64Array.of(4) };
    expect(pairedComparison(one)).toEqual({ deltaNll: -0.25, stderr: null, ci95: null, significant: null });
  });
});
