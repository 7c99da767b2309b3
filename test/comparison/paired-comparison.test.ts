import { describe, expect, it } from 'vitest';
import { pairedComparison } from '../../src/records/text-figures.js';

const n = 50;
const of = (textNats: Float64Array, tokens = 126) => ({
  textNats,
  textTokens: textNats.map(() => tokens),
});
/** Sequences differ much in difficulty; models differ little and steadily. */
const hard = Float64Array.from({ length: n }, (_, i) => 126 * (4 + Math.sin(i)));

describe('the paired comparison', () => {
  it('is the difference in nats per text token, first minus second', () => {
    const better = hard.map((nats, i) => nats - 126 * (0.02 + 0.01 * Math.cos(3 * i)));
    const { deltaNll, stderr, ci95, significant } = pairedComparison(of(better), of(hard));
    expect(deltaNll).toBeCloseTo(-0.02, 3);
    expect(significant).toBe(true);
    expect(ci95?.[1]).toBeLessThan(0);
    // Unpaired, each mean has a standard error of about 0.1, five times the difference.
    expect(stderr).toBeLessThan(0.002);
  });

  it('is the negative when the models change places', () => {
    const other = hard.map((nats, i) => nats + Math.cos(i));
    const ab = pairedComparison(of(hard), of(other));
    const ba = pairedComparison(of(other), of(hard));
    expect(ba.deltaNll).toBe(-(ab.deltaNll as number));
    expect(ba.stderr).toBe(ab.stderr);
  });

  it('is not significant when the interval holds 0, as for a model against itself', () => {
    const noisy = hard.map((nats, i) => nats + 40 * Math.cos(5 * i));
    expect(pairedComparison(of(noisy), of(hard)).significant).toBe(false);
    const itself = pairedComparison(of(hard), of(hard));
    expect(itself).toMatchObject({ deltaNll: 0, stderr: 0, ci95: [0, 0], significant: false });
  });

  it('does not decide on two sequences, nor on two documents', () => {
    const nothing = { stderr: null, ci95: null, significant: null, designEffect: null };
    const [a, b] = [of(Float64Array.of(1, 3), 4), of(Float64Array.of(2, 4), 4)];
    expect(pairedComparison(a, b)).toEqual({
      ...{ deltaNll: -0.25, ...nothing },
      ...{ unit: 'block', units: 2, effectiveUnits: 2, blockLength: 1 },
    });
    const documents = Float64Array.of(0, 1);
    expect(pairedComparison({ ...a, documents }, { ...b, documents })).toMatchObject({
      ...{ ...nothing, unit: 'document', units: 2, blockLength: null },
    });
  });
});
