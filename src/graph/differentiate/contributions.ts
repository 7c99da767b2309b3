/**
 * The gradient at a tensor is a sum with one term per node that reads it. Some terms cover only part of the tensor: that of a
 * slice a range, that of an indexing operator a few elements. They are combined here, so that no operator's rule fills the
 * rest with zeros.
 */
import type { Value } from '../graph.js';
import { Concat } from '../operators.js';
import { constantLike, expand, plus, type Shaped, withShape } from './shaped.js';

export type Contribution =
  /** The shape broadcasts to the tensor's. */
  | { kind: 'whole'; gradient: Shaped }
  /** Indices [from, to) of one axis; 0 elsewhere. */
  | { kind: 'part'; axis: number; from: number; to: number; gradient: Shaped }
  /** `updates` added at the indices, as in ScatterElements; 0 elsewhere. */
  | { kind: 'elements'; axis: number; indices: Value; updates: Value };

export const whole = (gradient: Shaped): Contribution => ({ kind: 'whole', gradient });

type Part = Extract<Contribution, { kind: 'part' }>;

/** The sum of all terms, of a shape that broadcasts to `tensor`'s. */
export function totalOf(tensor: Shaped, contributions: readonly Contribution[]): Shaped {
  const wholes = contributions.flatMap((term) => (term.kind === 'whole' ? [term.gradient] : []));
  const joined = [...wholes, ...partsJoined(tensor, contributions)];
  // Smaller shapes first, so that terms are summed before they are broadcast.
  joined.sort((a, b) => repeated(tensor, b) - repeated(tensor, a));
  let total = joined.length > 0 ? joined.reduce(plus) : null;
  for (const term of contributions) {
    if (term.kind !== 'elements') continue;
    const onto = total ? expand(total, tensor) : constantLike(tensor, 0);
    total = withShape(scatterAdd(onto, term.indices, term.updates, term.axis), tensor.shape);
  }
  return total ?? constantLike(tensor, 0);
}

/** Adds updates to `onto` at the given indices; repeated indices are summed in order, so the bits are always the same. */
export function scatterAdd(onto: Value, indices: Value, updates: Value, axis: number): Value {
  return onto.graph.node('ScatterElements', [onto, indices, updates], {
    outputs: [onto.dtype],
    attributes: { axis, reduction: 'add' },
  })[0];
}

const repeated = (tensor: Shaped, { shape }: Shaped): number =>
  tensor.shape.length - shape.filter((axis) => axis !== 1).length;

/** Concatenates adjacent parts; zeros fill only the ranges that no part covers. */
function partsJoined(tensor: Shaped, contributions: readonly Contribution[]): Shaped[] {
  let left = contributions
    .filter((term): term is Part => term.kind === 'part')
    .toSorted((a, b) => a.axis - b.axis || a.from - b.from);
  const joined: Shaped[] = [];
  while (left.length > 0) {
    const row: Part[] = [];
    for (const part of left) {
      const last = row.at(-1);
      if (!last || (part.axis === last.axis && part.from === last.to)) row.push(part);
    }
    left = left.filter((part) => !row.includes(part));
    joined.push(sideBySide(tensor, row));
  }
  return joined;
}

function sideBySide(tensor: Shaped, row: readonly Part[]): Shaped {
  const { axis, from } = row[0];
  const { to } = row[row.length - 1];
  const pieces = row.map(({ gradient }) => gradient);
  const covered = pieces.length === 1 ? pieces[0] : Concat(pieces, { axis });
  const after = Number(tensor.shape[axis]) - to;
  if (from === 0 && after === 0) return withShape(covered, tensor.shape);
  const { graph } = tensor;
  const pads = [from, after].flatMap((size) => tensor.shape.map((_, i) => (i === axis ? size : 0)));
  const inputs = [covered, graph.constant(pads, 'int64'), graph.constant(0, tensor.dtype)];
  return withShape(graph.node('Pad', inputs, { outputs: [tensor.dtype] })[0], tensor.shape);
}
