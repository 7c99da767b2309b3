// How many steps one model takes for what another reaches in fewer.

/**
 * @param nll to be reached, by another model in `steps`   @param curve of the slower model: [steps, nll], ascending in steps
 * @returns its steps over `steps`, between measured ones by a straight line in log(steps); with < or > beyond what was measured
 */
export function stepsRatio(nll, steps, curve) {
  const ratio = (of) => (of / steps).toPrecision(2);
  const at = curve.findIndex(([, reached]) => reached <= nll);
  if (at === -1) return `> ${ratio(curve.at(-1)[0])}`;
  if (at === 0) return `< ${ratio(curve[0][0])}`;
  const [[fewer, worse], [more, better]] = [curve[at - 1], curve[at]];
  return ratio(fewer * (more / fewer) ** ((worse - nll) / (worse - better)));
}
