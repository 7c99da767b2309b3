// How many steps one model takes for what another reaches in fewer.
import { geometric } from './over-seeds.mjs';

/**
 * @param nll to be reached   @param curve of the slower model: [steps, nll], ascending in steps
 * @returns steps, between measured ones by a straight line in log(steps); Infinity where no number of steps measured is enough
 */
export function stepsFor(nll, curve) {
  const at = curve.findIndex(([, reached]) => reached <= nll);
  if (at <= 0) return at === 0 ? curve[0][0] : Number.POSITIVE_INFINITY;
  const [[fewer, worse], [more, better]] = [curve[at - 1], curve[at]];
  const share = (worse - nll) / (worse - better);
  return fewer * (more / fewer) ** share;
}

/** Over seeds: the geometric mean with its interval, or how many of them lie beyond what was measured. */
export function speedUps(ratios) {
  const beyond = ratios.filter((ratio) => ratio === Number.POSITIVE_INFINITY).length;
  if (beyond > 0) return `beyond measure for ${beyond} of ${ratios.length}`;
  const { value, low, high } = geometric(ratios.map(Math.log));
  return `${value.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}]`;
}
