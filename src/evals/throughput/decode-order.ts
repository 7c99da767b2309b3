/**
 * In which order a sampler writes a text: the step at which each position changed for the last time, and Kendall's τ of these steps with
 * the positions. 1: from left to right; 0: no preference; −1: from right to left.
 */
import type { StepState } from '../../sampling/generation-plan.js';
import type { Estimate } from '../../statistics/bootstrap.js';
import { ratio } from '../../statistics/ratio.js';

export class DecodeOrder {
  private before: Int32Array | null = null;
  private lastChange = new Int32Array(0);
  /** Times that a written token of a text was masked again. */
  private remaskedOf = new Float64Array(0);

  /** @param given first tokens of each text that the model does not write */
  constructor(
    private readonly length: number,
    private readonly given: number,
    private readonly maskTokenId: number | null = null,
  ) {}

  /** One batch, step by step. */
  record({ step, tokens }: StepState): void {
    if (this.before === null) {
      this.before = tokens.slice();
      this.lastChange = new Int32Array(tokens.length).fill(-1);
      this.remaskedOf = new Float64Array(tokens.length / this.length);
      return;
    }
    for (const [i, token] of tokens.entries()) {
      if (token !== this.before[i]) {
        this.lastChange[i] = step;
        if (token === this.maskTokenId) this.remaskedOf[Math.floor(i / this.length)]++;
      }
      this.before[i] = token;
    }
  }

  /** Written tokens of a text that were masked again, mean over the samples of the batch; null without masks. */
  remasked(): Estimate | null {
    if (this.maskTokenId === null || this.remaskedOf.length === 0) return null;
    const { value, stderr, ci95 } = meanOf(this.remaskedOf);
    return { value, stderr, ci95: ci95 && [Math.max(0, ci95[0]), ci95[1]] };
  }

  /** Mean over the samples of the batch; positions that never changed are left out. Null without an order. */
  tau(): Estimate | null {
    const taus: number[] = [];
    for (let start = 0; start < this.lastChange.length; start += this.length) {
      const steps = this.lastChange
        .subarray(start + this.given, start + this.length)
        .filter((step) => step >= 0);
      const tau = kendallTau(steps);
      if (tau !== null) taus.push(tau);
    }
    if (taus.length === 0) return null;
    const { value, stderr, ci95 } = meanOf(Float64Array.from(taus));
    return { value, stderr, ci95: ci95 && [Math.max(-1, ci95[0]), Math.min(1, ci95[1])] };
  }
}

const meanOf = (values: Float64Array) => ratio(values, new Float64Array(values.length).fill(1));

/**
 * Kendall's τ-b (Biometrika 30, 1938; with ties 33, 1945) of values with the order they stand in: 1 where they only rise, −1 where they only fall. Entries that are equal in value form no
 * pair either way. Null where all are equal, or there are fewer than two.
 */
export function kendallTau(values: ArrayLike<number>): number | null {
  const n = values.length;
  let [rising, falling] = [0, 0];
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++) {
      if (values[i] < values[j]) rising++;
      else if (values[i] > values[j]) falling++;
    }
  const untied = rising + falling;
  const pairs = (n * (n - 1)) / 2;
  return untied === 0 ? null : (rising - falling) / Math.sqrt(untied * pairs);
}
