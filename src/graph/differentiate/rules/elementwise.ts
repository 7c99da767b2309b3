/** Functions of one number, element by element: the gradient at the input is f'(x) times that at the output. */
import { Identity, Sign } from '../../operators.js';
import { whole } from '../contributions.js';
import type { Rule, Rules } from '../rule.js';
import { cast, cosine, minus, negative, over, type Shaped, shaped, sine, times } from '../shaped.js';

/** @param derive the gradient at x, from that at y = f(x), from x and from y */
const elementwise =
  (derive: (gradient: Shaped, x: Shaped, y: Shaped) => Shaped): Rule =>
  (site) => [whole(derive(site.gradient(), site.inputs[0], site.outputs[0]))];

export const elementwiseRules: Rules = {
  Identity: elementwise((g) => shaped(Identity(g), g.shape)),
  Cast: elementwise((g, x) => cast(g, x.dtype)),
  Neg: elementwise((g) => negative(g)),
  Exp: elementwise((g, _x, y) => times(g, y)),
  Log: elementwise((g, x) => over(g, x)),
  Sqrt: elementwise((g, _x, y) => over(times(g, 0.5), y)),
  Reciprocal: elementwise((g, _x, y) => negative(times(g, times(y, y)))),
  Abs: elementwise((g, x) => times(g, shaped(Sign(x), x.shape))), // 0 at 0
  Sin: elementwise((g, x) => times(g, cosine(x))),
  Cos: elementwise((g, x) => negative(times(g, sine(x)))),
  Tanh: elementwise((g, _x, y) => times(g, minus(1, times(y, y)))),
  Sigmoid: elementwise((g, _x, y) => times(g, times(y, minus(1, y)))),
};
