/**
 * The noise levels at which a data set is evaluated: a number u in [0, 1) for every (sequence, draw), spread over the whole data
 * set, not over a batch. A point depends only on (seed, number of sequences, sequence, draw), and not on the number of draws,
 * so adding draws keeps the earlier ones.
 *
 * Why these points. A sequence's loss is g(u) + h_i(u) + z-noise, with g common to all sequences. Sequences are dealt into G
 * groups. In a group of m, one pass takes each of the m strata [k/m, (k+1)/m) once, at a random point inside, in a keyed
 * random order. That removes almost all of g's variance (for smooth g it falls as m⁻³, not m⁻¹). The order is a permutation
 * rotated by a uniform random amount, so each u is exactly uniform and the estimate is unbiased.
 *
 * Randomisations. Draw j belongs to replicate j mod 4, and each (group, replicate) is randomised independently of all
 * others. Within a replicate, draw k of a sequence is its first draw rotated by the k-th number of the van der Corput
 * sequence (0, 1/2, 1/4, 3/4, …), so the draws of one sequence are stratified too, which reduces h_i's variance. With n
 * sequences, G = min(n, max(4, min(32, ⌊n/8⌋))): at least 4 independent randomisations even with one draw, and so many strata
 * that more would not help.
 *
 * monte-carlo-error.ts estimates the Monte Carlo error of this design.
 */
import { DomainError } from '../errors.js';
import { permutation, stepsPerPermutation } from '../random/permutation.js';
import { streams } from '../random/streams.js';
import { fillUniforms, uniform } from '../random/uniforms.js';

export interface TimePoint {
  /** In [0, 1), to be mapped to a noise level by integration.ts. */
  u: number;
  /** The sequence's group, in [0, groups). */
  group: number;
  /** The draw's replicate, in [0, 4): points of different (group, replicate) are independent. */
  replicate: number;
  /** In [0, size of the group): the part of [0, 1) that holds the replicate's first draw, and its rank by u in the group. */
  stratum: number;
}

export interface TimePlan {
  readonly sequences: number;
  readonly draws: number;
  readonly groups: number;
  /** Sequences of a group: group, group + groups, group + 2·groups, … */
  sizeOfGroup(group: number): number;
  /** Independent randomisations: groups × min(draws, 4). */
  readonly randomisations: number;
  at(sequence: number, draw: number): TimePoint;
}

export const replicates = 4;

/** @param sequences in the data set, after any limit   @param draws (t, z) pairs per sequence   @param seed as in random/address.ts
 *  @throws DomainError when sequences or draws is not a positive integer */
export function timePlan({
  sequences,
  draws,
  seed,
}: {
  sequences: number;
  draws: number;
  seed: number;
}): TimePlan {
  checkCount('sequences', sequences);
  checkCount('draws', draws);
  const groups = Math.min(sequences, Math.max(4, Math.min(32, Math.floor(sequences / 8))));
  /** stratumOf[group · 4 + replicate]: the stratum of the group's member. */
  const stratumOf = new Map<number, (member: number) => number>();
  const strata = (group: number, replicate: number, size: number) => {
    const key = group * replicates + replicate;
    let stratum = stratumOf.get(key);
    if (stratum === undefined) {
      const place = permutation(size, {
        seed,
        stream: streams.timeOrder,
        sequence: group,
        step: replicate * stepsPerPermutation,
      });
      const rotation = Math.floor(
        size * uniform({ seed, stream: streams.timeRotation, sequence: group, step: replicate }),
      );
      stratum = (member) => (place(member) + rotation) % size;
      stratumOf.set(key, stratum);
    }
    return stratum;
  };

  const sizeOfGroup = (group: number) => Math.ceil((sequences - group) / groups);

  return {
    sequences,
    draws,
    groups,
    sizeOfGroup,
    randomisations: groups * Math.min(draws, replicates),
    at(sequence, draw) {
      const group = sequence % groups;
      const replicate = draw % replicates;
      const size = sizeOfGroup(group);
      const stratum = strata(group, replicate, size)(Math.floor(sequence / groups));
      const jitter = uniform({ seed, stream: streams.timeJitter, sequence, step: replicate });
      const first = (stratum + jitter) / size;
      return { u: (first + vanDerCorput(Math.floor(draw / replicates))) % 1, group, replicate, stratum };
    },
  };
}

/**
 * The points of a sequence's blocks (block diffusion has a time per block, arXiv 2503.09573): of B blocks each takes one of the
 * parts [k/B, (k+1)/B), in a random order, at the point u inside it. Each point is uniform, and over a group of m sequences
 * the m·B strata have one point each. Orders are independent of each other and of u.
 */
export function blockPoints(
  u: number,
  blocks: number,
  { seed, sequence, draw }: { seed: number; sequence: number; draw: number },
): Float64Array {
  const keys = new Float64Array(blocks);
  fillUniforms(keys, { seed, stream: streams.blockTimes, sequence, step: draw });
  const order = Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b] || a - b);
  return Float64Array.from(order, (part) => (part + u) / blocks);
}

/** The binary digits of k behind the point, in reverse: 0, 1/2, 1/4, 3/4, 1/8, … */
function vanDerCorput(k: number): number {
  let value = 0;
  let place = 0.5;
  for (let rest = k; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) value += place;
    place /= 2;
  }
  return value;
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new DomainError({
      code: 'time-plan',
      message: `A plan of times needs a positive whole number of ${name}, not ${value}.`,
    });
  }
}
