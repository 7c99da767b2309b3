/** How far counts lie from what they should be, as a normal deviate. */

/**
 * Pearson's χ² as a standard normal number (Wilson and Hilferty 1931); cells of fewer than 8 expected counts are taken
 * together. Large positive: the counts are not of these probabilities.
 * @param counts of independent draws   @param probabilities of each cell, sum 1
 */
export function chiSquareDeviate(counts: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  const total = Array.from(counts).reduce((sum, count) => sum + count, 0);
  let chiSquare = 0;
  let cells = 0;
  const rare = { expected: 0, found: 0 };
  const add = (found: number, expected: number) => {
    chiSquare += (found - expected) ** 2 / expected;
    cells++;
  };
  for (let i = 0; i < counts.length; i++) {
    const expected = total * probabilities[i];
    if (expected >= 8) {
      add(counts[i], expected);
    } else {
      rare.expected += expected;
      rare.found += counts[i];
    }
  }
  if (rare.expected > 0) add(rare.found, rare.expected);
  const freedom = cells - 1;
  const spread = 2 / (9 * freedom);
  return (Math.cbrt(chiSquare / freedom) - (1 - spread)) / Math.sqrt(spread);
}

/** How often each value below `size` occurs. */
export function countsOf(values: Iterable<number>, size: number): Float64Array {
  const counts = new Float64Array(size);
  for (const value of values) counts[value]++;
  return counts;
}
