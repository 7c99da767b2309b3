/** Operators that only move or repeat numbers: their gradients move the numbers back and sum the repetitions. */
import { Split } from '../../operators.js';
import type { Contribution } from '../contributions.js';
import { whole } from '../contributions.js';
import { range } from '../fact-rules.js';
import { noRule, type Rule, type Rules, type Site } from '../rule.js';
import { fixedSize, reshape, type Shaped, transpose, unbroadcast, withShape } from '../shaped.js';

const reshaped: Rule = (site) => [whole(reshape(site.fullGradient(), site.inputs[0].shape))];

const axisOf = ({ node, inputs: [{ shape }] }: Site): number => {
  const axis = node.int('axis', 0);
  return axis < 0 ? axis + shape.length : axis;
};

const concat: Rule = (site) => {
  const axis = axisOf(site);
  const gradient = site.fullGradient();
  const sizes = site.inputs.map(({ shape }) => fixedSize(shape[axis]));
  const parts = Split(gradient, sizes, { axis });
  return parts.map((part, i) => whole(withShape(part, site.inputs[i].shape)));
};

const split: Rule = (site) => {
  const axis = axisOf(site);
  const sizes = site.outputs.map(({ shape }) => fixedSize(shape[axis]));
  const terms = site.outputs.flatMap((_, i): Contribution[] => {
    if (!site.reaches(i)) return [];
    const from = sizes.slice(0, i).reduce((sum, size) => sum + size, 0);
    return [{ kind: 'part', axis, from, to: from + sizes[i], gradient: site.fullGradient(i) }];
  });
  return [terms];
};

const slice: Rule = (site) => {
  const [x] = site.inputs;
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map((i) => (site.inputs[i] ? site.integers(i) : null));
  if (!starts || !ends || (steps ?? []).some((step) => step !== 1)) {
    throw noRule(site.node, 'whose bounds or steps cannot be reversed');
  }
  const cuts = starts.flatMap((start, i) => {
    const axis = ((axes?.[i] ?? i) + x.shape.length) % x.shape.length;
    const size = fixedSize(x.shape[axis]);
    const [from, to] = range(start, ends[i], size);
    return to - from === size ? [] : [{ axis, from, to, size }];
  });
  const gradient = site.fullGradient();
  if (cuts.length === 0) return [whole(gradient)];
  if (cuts.length === 1) return [{ kind: 'part', ...cuts[0], gradient }];
  return [whole(padCuts(gradient, x, cuts))];
};

function padCuts(
  gradient: Shaped,
  x: Shaped,
  cuts: { axis: number; from: number; to: number; size: number }[],
): Shaped {
  const pads = Array(2 * x.shape.length).fill(0);
  for (const { axis, from, to, size } of cuts) {
    pads[axis] = from;
    pads[axis + x.shape.length] = size - to;
  }
  const inputs = [gradient, x.graph.constant(pads, 'int64'), x.graph.constant(0, x.dtype)];
  return withShape(x.graph.node('Pad', inputs, { outputs: [x.dtype] })[0], x.shape);
}

export const layoutRules: Rules = {
  Reshape: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Flatten: reshaped,
  Transpose: (site) => {
    const perm = site.node.ints('perm') ?? site.inputs[0].shape.map((_, i, { length }) => length - 1 - i);
    const back = perm.map((_, axis) => perm.indexOf(axis));
    return [whole(transpose(site.fullGradient(), back))];
  },
  Expand: (site) => [whole(unbroadcast(site.gradient(), site.outputs[0].shape, site.inputs[0].shape))],
  Concat: concat,
  Split: split,
  Slice: slice,
};
