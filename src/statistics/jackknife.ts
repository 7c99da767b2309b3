/**
 * The jackknife (Quenouille, Biometrika 43, 1956; Tukey 1958): the error of a statistic from what it is without some of the sample. For
 * statistics of a whole set, whose terms are not independent, and of which a bootstrap would draw some members twice.
 */

/** Groups that are left out in turn. */
const MOST_GROUPS = 20;

/** @param size of the sample, at least 2   @param statistic of the members with these numbers   @returns null where one of them has none */
export function jackknife(
  size: number,
  statistic: (kept: readonly number[]) => number | null,
): { stderr: number; groups: number } | null {
  const all = Array.from({ length: size }, (_, i) => i);
  const groups = Math.min(MOST_GROUPS, size);
  const without = all.slice(0, groups).map((group) => statistic(all.filter((i) => i % groups !== group)));
  const known = without.filter((one) => one !== null);
  if (known.length < groups) return null;
  const mean = known.reduce((sum, one) => sum + one, 0) / groups;
  const squares = known.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return { stderr: Math.sqrt(((groups - 1) / groups) * squares), groups };
}
