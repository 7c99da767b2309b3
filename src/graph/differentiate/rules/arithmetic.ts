/** Operations on two operands that repeat the smaller one along the larger: gradients are summed over the repetitions. */
import { Equal, Greater, Less } from '../../operators.js';
import { type Contribution, whole } from '../contributions.js';
import { noRule, type Rule, type Rules, type Site } from '../rule.js';
import {
  broadcastShape,
  cast,
  logarithm,
  minus,
  negative,
  over,
  plus,
  power,
  type Shaped,
  shaped,
  times,
  unbroadcast,
  where,
} from '../shaped.js';

/** One operand's term; made only where it is asked for. */
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

/** Max and Min of two: to the operand that was chosen; where they are equal, half to each. */
const chosen =
  (isBetter: typeof Greater): Rule =>
  (site) => {
    if (site.inputs.length !== 2) throw noRule(site.node, `with ${site.inputs.length} operands, not two`);
    const [a, b] = site.inputs;
    const shape = site.outputs[0].shape;
    const share = (one: Shaped, other: Shaped) => {
      const wins = cast(shaped(isBetter(one, other), shape), a.dtype);
      return plus(wins, times(cast(shaped(Equal(one, other), shape), a.dtype), 0.5));
    };
    return [
      term(site, 0, () => times(site.gradient(), share(a, b))),
      term(site, 1, () => times(site.gradient(), share(b, a))),
    ];
  };

export const arithmeticRules: Rules = {
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
