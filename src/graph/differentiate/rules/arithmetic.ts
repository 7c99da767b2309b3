/**
 * Elementwise operations: functions of one number, and operations on two operands that broadcast the smaller one; its
 * gradient is summed over the repetitions.
 */
import { Equal, Greater, Identity, Less, Sign } from '../../operators.js';
import { type Contribution, whole } from '../contributions.js';
import { noRule, type Rule, type Rules, type Site } from '../rule.js';
import {
  broadcastShape,
  cast,
  cosine,
  exponential,
  logarithm,
  minus,
  negative,
  over,
  plus,
  power,
  type Shaped,
  sine,
  times,
  unbroadcast,
  where,
  withShape,
} from '../shaped.js';

/** The term of one operand; built only if needed. */
function term(site: Site, operand: number, gradient: () => Shaped): Contribution | null {
  if (!site.wanted(operand)) return null;
  return whole(unbroadcast(gradient(), site.outputs[0].shape, site.inputs[operand].shape));
}

const binary =
  (left: (g: Shaped, a: Shaped, b: Shaped, y: Shaped) => Shaped, right: typeof left): Rule =>
  (site) => {
    const [a, b] = site.inputs;
    const [y] = site.outputs;
    return [left, right].map((derive, i) => term(site, i, () => derive(site.gradient(), a, b, y)));
  };

/** Max and Min of two: the gradient goes to the chosen operand, or half to each if they are equal. */
const chosen =
  (isBetter: typeof Greater): Rule =>
  (site) => {
    if (site.inputs.length !== 2) throw noRule(site.node, `with ${site.inputs.length} operands, not two`);
    const [a, b] = site.inputs;
    const shape = site.outputs[0].shape;
    const share = (one: Shaped, other: Shaped) => {
      const wins = cast(withShape(isBetter(one, other), shape), a.dtype);
      return plus(wins, times(cast(withShape(Equal(one, other), shape), a.dtype), 0.5));
    };
    return [
      term(site, 0, () => times(site.gradient(), share(a, b))),
      term(site, 1, () => times(site.gradient(), share(b, a))),
    ];
  };

/** @param derive the gradient at x, from that at y = f(x), from x and from y */
const elementwise =
  (derive: (gradient: Shaped, x: Shaped, y: Shaped) => Shaped): Rule =>
  (site) => [whole(derive(site.gradient(), site.inputs[0], site.outputs[0]))];

/** Functions of one number: the gradient at the input is f'(x) times that at the output. */
const functionRules: Rules = {
  Identity: elementwise((g) => withShape(Identity(g), g.shape)),
  Cast: elementwise((g, x) => cast(g, x.dtype)),
  Neg: elementwise((g) => negative(g)),
  Exp: elementwise((g, _x, y) => times(g, y)),
  Log: elementwise((g, x) => over(g, x)),
  Sqrt: elementwise((g, _x, y) => over(times(g, 0.5), y)),
  Reciprocal: elementwise((g, _x, y) => negative(times(g, times(y, y)))),
  Abs: elementwise((g, x) => times(g, withShape(Sign(x), x.shape))), // 0 at 0
  Erf: elementwise((g, x) => times(g, times(exponential(negative(times(x, x))), 2 / Math.sqrt(Math.PI)))),
  Sin: elementwise((g, x) => times(g, cosine(x))),
  Cos: elementwise((g, x) => negative(times(g, sine(x)))),
  Tanh: elementwise((g, _x, y) => times(g, minus(1, times(y, y)))),
  Sigmoid: elementwise((g, _x, y) => times(g, times(y, minus(1, y)))),
};

export const arithmeticRules: Rules = {
  ...functionRules,
  Add: binary(
    (g) => g,
    (g) => g,
  ),
  Sub: binary(
    (g) => g,
    (g) => negative(g),
  ),
  Mul: (site) => {
    const [a, b] = site.inputs;
    if (a.name === b.name) return [whole(times(times(site.gradient(), a), 2))];
    return [term(site, 0, () => times(site.gradient(), b)), term(site, 1, () => times(site.gradient(), a))];
  },
  Div: binary(
    (g, _a, b) => over(g, b),
    (g, _a, b, y) => negative(times(over(g, b), y)),
  ),
  Pow: binary(
    (g, a, b) => times(times(g, b), power(a, minus(b, 1))),
    (g, a, _b, y) => times(times(g, y), logarithm(a)),
  ),
  Max: chosen(Greater),
  Min: chosen(Less),
  Where: (site) => {
    const [condition, a, b] = site.inputs;
    const apart = (first: boolean) => {
      const gradient = site.gradient();
      return first ? where(condition, gradient, 0) : where(condition, 0, gradient);
    };
    const shape = broadcastShape(condition.shape, a.shape, b.shape);
    const at = (operand: 1 | 2) =>
      site.wanted(operand)
        ? whole(unbroadcast(apart(operand === 1), shape, site.inputs[operand].shape))
        : null;
    return [null, at(1), at(2)];
  },
};
