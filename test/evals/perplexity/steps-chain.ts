/**
 * The chain of a d3pm model of three tokens and a mask, enumerated in double precision from the definition: q(z_s | z_t, x) by Bayes'
 * rule with the one-hot of x replaced by x_θ (D3PM, arXiv 2107.03006, in MDLM's mean parameterization).
 */
import { type Checkpoint, checkpointOfGraph } from '../../../src/models/checkpoint.js';
import { allStates, stateTable } from '../../models/sources/table-of-states.js';

export const TOKENS = 3;
export const MASK = TOKENS;
export const LENGTH = 3;
export const STEPS = 3;
const EPS = 1e-3;

const table = stateTable({ width: TOKENS + 1, length: LENGTH, seed: 41 });
const states = allStates(TOKENS + 1, LENGTH);

export const stepsCheckpoint = (): Checkpoint =>
  checkpointOfGraph(
    table.graph(),
    {
      family: 'd3pm',
      maskTokenId: MASK,
      schedule: { type: 'log-linear', eps: EPS, steps: STEPS },
      timeConditioning: true,
    },
    'steps',
  );

/** 1 − α after i steps of noise: all of it after the last. */
export const levelOf = (i: number) => (i === STEPS ? 1 : ((1 - EPS) * i) / STEPS);
/** What the network reads; at the last step, the last of its schedule. */
const sigmaAt = (i: number) => -Math.log(i === STEPS ? EPS : 1 - levelOf(i));

/** q(z_s | z_t, x) of one token, [tokens and mask], for a distribution in place of x. */
function posterior(x: Float64Array, z: number, i: number): Float64Array {
  const [t, s] = [levelOf(i), levelOf(i - 1)];
  /** q(z_t | z_s): a token stays with α_t/α_s, or becomes the mask; a mask stays. */
  const stays = (1 - t) / (1 - s);
  const forward = (from: number) =>
    from === MASK ? Number(z === MASK) : from === z ? stays : z === MASK ? 1 - stays : 0;
  const joint = x.map((p, v) => forward(v) * ((1 - s) * p + (v === MASK ? s : 0)));
  const total = joint.reduce((a, b) => a + b, 0);
  return joint.map((p) => p / total);
}

const oneHot = (token: number) => Float64Array.from({ length: TOKENS + 1 }, (_, v) => Number(v === token));

function divergence(q: Float64Array, p: Float64Array): number {
  return q.reduce((sum, value, v) => sum + (value > 0 ? value * Math.log(value / p[v]) : 0), 0);
}

/** −ln x_θ(x) of every token of the clean text. */
export function reconstruction(x: readonly number[]): number {
  return -x.reduce((sum, token, l) => sum + Math.log(table.distribution(x, l, 0)[token]), 0);
}

/** The bound: the divergences of all steps over all masks, and the reconstruction. */
export function bound(x: readonly number[]): number {
  let sum = reconstruction(x);
  for (let i = 1; i <= STEPS; i++) {
    for (const z of states) {
      if (z.some((token, l) => token !== x[l] && token !== MASK)) continue;
      const masks = z.filter((token) => token === MASK).length;
      const probability = levelOf(i) ** masks * (1 - levelOf(i)) ** (LENGTH - masks);
      for (const [l, token] of z.entries()) {
        const model = posterior(table.distribution(z, l, sigmaAt(i)), token, i);
        sum += probability * divergence(posterior(oneHot(x[l]), token, i), model);
      }
    }
  }
  return sum;
}

/** Of every state, the probability of the reverse chain before its last step, [64]. */
function beforeLast(): Float64Array {
  let now = states.map((z) => Number(z.every((token) => token === MASK)));
  for (let i = STEPS; i > 1; i--) now = stepped(now, i, (x) => x);
  return Float64Array.from(now);
}

function stepped(
  now: readonly number[] | Float64Array,
  i: number,
  of: (p: Float64Array, z: number) => Float64Array,
): number[] {
  const next = states.map(() => 0);
  for (const [from, z] of states.entries()) {
    if (now[from] === 0) continue;
    const rows = z.map((token, l) => of(posterior(table.distribution(z, l, sigmaAt(i)), token, i), token));
    for (const [to, later] of states.entries())
      next[to] += later.reduce((p, token, l) => p * rows[l][token], now[from]);
  }
  return next;
}

/** p(x) of the chain of all steps and of the reconstruction. */
export function evidence(x: readonly number[]): number {
  const last = stepped(beforeLast(), 1, (p) => p);
  return states.reduce(
    (sum, z, state) => sum + x.reduce((p, token, l) => p * table.distribution(z, l, 0)[token], last[state]),
    0,
  );
}

/** Of every text, what the sampler writes it with: at the last step no mask may stay, and nothing follows it. */
export function written(): { text: number[]; probability: number }[] {
  const noMask = (p: Float64Array) => {
    const rest = 1 - p[MASK];
    return p.map((value, v) => (v === MASK ? 0 : value / rest));
  };
  return stepped(beforeLast(), 1, noMask)
    .map((probability, state) => ({ text: states[state], probability }))
    .filter(({ text }) => !text.includes(MASK));
}
