/** Operators that pick elements: the gradient goes back to the picked elements, summed for those picked more than once. */

import type { Value } from '../../graph.js';
import { Add, Expand, Less, Mul, ReduceSum, Shape, Where } from '../../operators.js';
import { scatterAdd, whole } from '../contributions.js';
import { noRule, type Rule, type Rules } from '../rule.js';
import { type Axes, expand, fixedSize, reshape, type Shaped, withShape } from '../shaped.js';

/** The product of some axes; a name if one of them has only a name. */
function joinAxes(axes: Axes): number | string {
  const names = axes.filter((axis) => typeof axis === 'string');
  if (names.length > 0) return axes.filter((axis) => axis !== 1).join('·');
  return axes.reduce<number>((product, axis) => product * Number(axis), 1);
}

const gather: Rule = (site) => {
  const [x, indices] = site.inputs;
  const axis = (site.node.int('axis', 0) + x.shape.length) % x.shape.length;
  const gradient = site.fullGradient();
  const picked = joinAxes(indices.shape);
  const updates = reshape(gradient, x.shape.with(axis, picked));
  const constant = indices.shape.length === 0 ? site.integers(1) : null;
  if (constant) {
    const from = constant[0] < 0 ? constant[0] + fixedSize(x.shape[axis]) : constant[0];
    return [{ kind: 'part', axis, from, to: from + 1, gradient: updates }];
  }
  const along = reshape(indices, Array(x.shape.length).fill(1).with(axis, picked));
  return [{ kind: 'elements', axis, indices: expand(along, updates), updates }];
};

const gatherElements: Rule = (site) => {
  const [x, indices] = site.inputs;
  const axis = (site.node.int('axis', 0) + x.shape.length) % x.shape.length;
  return [{ kind: 'elements', axis, indices, updates: site.fullGradient() }];
};

/** Flattens the indexed axes of x, and turns the tuples of indices into offsets on that axis. */
const gatherND: Rule = (site) => {
  const [x, indices] = site.inputs;
  if (site.node.int('batch_dims', 0) !== 0) {
    throw noRule(site.node, 'which has one only without batch_dims');
  }
  const depth = fixedSize(indices.shape[indices.shape.length - 1]);
  const sizes = x.shape.slice(0, depth).map(fixedSize);
  const width = fixedSize(joinAxes(x.shape.slice(depth)));
  const strides = sizes.map((_, i) => sizes.slice(i + 1).reduce((product, size) => product * size, 1));
  const constant = (values: readonly number[]): Value => x.graph.constant(values, 'int64');
  const positive = Where(Less(indices, 0), Add(indices, constant(sizes)), indices);
  const place = ReduceSum(Mul(positive, constant(strides)), { axes: [-1], keepdims: true });
  const count = joinAxes(indices.shape.slice(0, -1));
  const places = reshape(withShape(place, indices.shape.with(-1, 1)), [count, 1]);
  const updates = reshape(site.fullGradient(), [count, width]);
  const flat: Shaped = { ...x, shape: [sizes[0] * strides[0], width] };
  const zeros = expand(withShape(x.graph.constant(0, x.dtype), []), flat);
  const scattered = scatterAdd(zeros, Expand(places, Shape(updates)), updates, 0);
  return [whole(reshape(withShape(scattered, flat.shape), x.shape))];
};

export const indexingRules: Rules = { Gather: gather, GatherElements: gatherElements, GatherND: gatherND };
