/**
 * How hard each token of the vocabulary is for a masked model, learned from its losses: h(v), the control variate's loss for a
 * masked token v. For the unigram model it is −ln p(v); h adapts that to the evaluated model,
 *
 *   h(v) = a + b·(−ln p(v)) + shrunken mean of the residuals of tokens v
 *
 * with a and b by least squares over masked tokens. Since h does not depend on z, its loss 1[z is the mask]·h(x)/(1−α) has the
 * mean h(x) at every α, as −ln p has, and it may be any function of the tokens: a wrong h costs precision, never
 * correctness, as long as it is learned from other sequences than those it corrects. Hence the folds: the h of a fold is
 * learned from the sequences of all others.
 */
const priorTokens = 10;
const priorSlope = 0.8;
/** How often a token must occur for its own mean to weigh as much as the line. */
const shrinkage = 5;

export class TokenDifficulty {
  /** [fold][v]: how often v was masked, and the sum of its losses. */
  private readonly counts: Float64Array[];
  private readonly sums: Float64Array[];

  /** @param surprisal −ln p(v) of the unigram, [vocab]   @param folds at least 1 */
  constructor(
    private readonly surprisal: Float64Array,
    folds: number,
  ) {
    const tables = () => Array.from({ length: folds }, () => new Float64Array(surprisal.length));
    this.counts = tables();
    this.sums = tables();
  }

  /** @param nats loss of a masked token v in a sequence of the fold: per unit of −dα, times 1−α */
  learn(fold: number, v: number, nats: number): void {
    this.counts[fold][v]++;
    this.sums[fold][v] += nats;
  }

  /** h for the sequences of a fold, [vocab], learned from all others. */
  withoutFold(fold: number): Float64Array {
    const { surprisal } = this;
    const others = (tables: readonly Float64Array[]) =>
      surprisal.map((_, v) => tables.reduce((sum, table, f) => (f === fold ? sum : sum + table[v]), 0));
    const counts = others(this.counts);
    const sums = others(this.sums);
    const { intercept, slope } = this.line(counts, sums);
    return surprisal.map((u, v) => {
      // The mask, of infinite surprisal, does not occur in the text.
      if (!Number.isFinite(u)) return 0;
      const expected = intercept + slope * u;
      return expected + (sums[v] - counts[v] * expected) / (counts[v] + shrinkage);
    });
  }

  /** Least squares of loss on surprisal, with a prior of slope `priorSlope` through the origin that weighs as much as a few tokens. */
  private line(counts: Float64Array, sums: Float64Array): { intercept: number; slope: number } {
    let n = 0;
    let u1 = 0;
    let u2 = 0;
    let y = 0;
    let uy = 0;
    for (const [v, u] of this.surprisal.entries()) {
      if (counts[v] === 0) continue;
      n += counts[v];
      u1 += counts[v] * u;
      u2 += counts[v] * u * u;
      y += sums[v];
      uy += sums[v] * u;
    }
    if (n === 0) return { intercept: 0, slope: priorSlope };
    const prior = (priorTokens * u2) / n;
    const m00 = n + priorTokens;
    const m11 = u2 + prior;
    const r1 = uy + prior * priorSlope;
    const determinant = m00 * m11 - u1 * u1;
    return { intercept: (y * m11 - u1 * r1) / determinant, slope: (m00 * r1 - u1 * y) / determinant };
  }
}
