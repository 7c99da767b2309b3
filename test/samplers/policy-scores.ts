/** Scores of unmasking policies, in float64 and independent of the program's. */

const descending = (values: ArrayLike<number>) => Array.from(values).sort((a, b) => b - a);
export const entropy = (p: ArrayLike<number>) =>
  -Array.from(p).reduce((sum, value) => sum + value * Math.log(value), 0);

/** What an unmasking policy ranks a position by; larger is first. */
export function scoreOf(order: string, p: ArrayLike<number>): number {
  const [first, second] = descending(p);
  if (order === 'max-probability') return first;
  if (order === 'margin') return first - second;
  if (order === 'log-margin') return Math.log(first / second);
  return -entropy(p);
}
