/** Sums, means and extremes over axes; softmax, whose denominator is a sum. */
import { Equal } from '../../operators.js';
import { whole } from '../contributions.js';
import type { Rule, Rules, Site } from '../rule.js';
import {
  cast,
  exponential,
  fixedSize,
  minus,
  over,
  reshape,
  type Shaped,
  sum,
  times,
  withShape,
} from '../shaped.js';

/** The reduced axes. */
function reducedAxes({ node, inputs: [x], integers }: Site): number[] {
  const axes = node.ints('axes') ?? integers(1) ?? x.shape.map((_, i) => i);
  return axes.map((axis) => (axis + x.shape.length) % x.shape.length);
}

/** The output of a reduction or its gradient, with the reduced axes restored as axes of size 1. */
function withAxes(site: Site, value: Shaped): Shaped {
  const [x] = site.inputs;
  const axes = reducedAxes(site);
  const { length } = site.outputs[0].shape;
  if (x.shape.length === length) return value;
  // A gradient that is yet to be broadcast has axes of size 1.
  const given = [...Array(length - value.shape.length).fill(1), ...value.shape];
  let next = 0;
  const shape = x.shape.map((_, i) => (axes.includes(i) ? 1 : given[next++]));
  return reshape(value, shape);
}

const reduction =
  (derive: (gradient: Shaped, x: Shaped, y: Shaped, axes: readonly number[]) => Shaped): Rule =>
  (site) => [
    whole(
      derive(
        withAxes(site, site.gradient()),
        site.inputs[0],
        withAxes(site, site.outputs[0]),
        reducedAxes(site),
      ),
    ),
  ];

const count = ({ shape }: Shaped, axes: readonly number[]): number =>
  axes.reduce((product, axis) => product * fixedSize(shape[axis]), 1);

/** The gradient goes to the extreme elements, in equal shares. */
const extreme = reduction((g, x, y, axes) => {
  const is = cast(withShape(Equal(x, y), x.shape), x.dtype);
  return times(over(g, sum(is, axes)), is);
});

const axisOf = ({ node, inputs: [{ shape }] }: Site): number => {
  const axis = node.int('axis', -1);
  return axis < 0 ? axis + shape.length : axis;
};

export const reductionRules: Rules = {
  ReduceSum: reduction((g) => g),
  ReduceMean: reduction((g, x, _y, axes) => over(g, count(x, axes))),
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceSumSquare: reduction((g, x) => times(times(g, 2), x)),
  ReduceLogSum: reduction((g, x, _y, axes) => over(g, sum(x, axes))),
  ReduceLogSumExp: reduction((g, x, y) => times(g, exponential(minus(x, y)))),
  /** p·(g − Σ p g) */
  Softmax: (site) => {
    const [p] = site.outputs;
    const weighted = times(site.gradient(), p);
    return [whole(minus(weighted, times(p, sum(weighted, [axisOf(site)]))))];
  },
  /** g − p·Σ g, p = e^y */
  LogSoftmax: (site) => {
    const [y] = site.outputs;
    const gradient = site.fullGradient();
    return [whole(minus(gradient, times(exponential(y), sum(gradient, [axisOf(site)]))))];
  },
};
