/**
 * An inexact random network of 3 tokens and a mask for texts of length 4: a table of logits for each of the 256 states, so that
 * the probabilities of all 81 texts under an unmasking policy follow from going through its calls, in float64 and with nothing
 * of src/diffusion/unmasking.ts.
 */
import { Graph } from '../../src/graph/graph.js';
import { Add, Gather, Mul, ReduceSum, Reshape, Unsqueeze } from '../../src/graph/operators.js';
import { type Checkpoint, checkpointOfGraph } from '../../src/models/checkpoint.js';
import { generator } from '../models/sources/generator.js';
import { entropy, scoreOf } from './policy-scores.js';

export const TOKENS = 3;
export const LENGTH = 4;
const WIDTH = TOKENS + 1;
const MASK = TOKENS;
const ALL_MASKED = WIDTH ** LENGTH - 1;

const stateOf = (z: readonly number[]) => z.reduce((sum, token, l) => sum + token * WIDTH ** l, 0);

/** [state][position][token]: nothing in common between states and positions, but that positions 1 and 3 have one row where everything
 *  is masked. */
function table(seed: number): Float32Array {
  const random = generator(seed);
  const size = LENGTH * WIDTH;
  const logits = Float32Array.from({ length: WIDTH ** LENGTH * size }, () => 4 * random() - 2);
  const first = ALL_MASKED * size + WIDTH;
  logits.copyWithin(first + 2 * WIDTH, first, first + WIDTH);
  return logits;
}

/** Of 6,000 seeds, one under which every order gives other probabilities, and the tie rule counts. */
const logits = table(823);

/** Families that fill masks in whole texts. */
export type TableFamily = 'mdlm' | 'sedd' | 'd3pm';

/** @param timed whether logits are multiplied by 1 + σ/10 */
export function tableCheckpoint(family: TableFamily, timed = false): Checkpoint {
  const graph = Graph.create('table');
  const ids = graph.input('input_ids', 'int64', ['batch', LENGTH]);
  const powers = BigInt64Array.from({ length: LENGTH }, (_, l) => BigInt(WIDTH ** l));
  const states = ReduceSum(Mul(ids, graph.initializer('powers', 'int64', [LENGTH], powers)), {
    axes: [1],
    keepdims: false,
  });
  const all = graph.initializer('table', 'float32', [WIDTH ** LENGTH, LENGTH * WIDTH], logits);
  let rows = Reshape(Gather(all, states), [-1, LENGTH, WIDTH]);
  if (timed) {
    const sigma = Unsqueeze(graph.input('sigma', 'float32', ['batch']), [1, 2]);
    rows = Mul(rows, Add(Mul(sigma, 0.1), 1));
  }
  graph.output(rows, 'logits', ['batch', LENGTH, WIDTH]);
  const schedule = { type: 'log-linear', eps: 1e-3, ...(family === 'd3pm' && { steps: 16 }) } as const;
  const fields = { family, maskTokenId: MASK, schedule, timeConditioning: timed } as const;
  return checkpointOfGraph(graph, fields, 'table');
}

/** σ of the share that is masked; the schedule's last noise level is ε = 1e-3 short of everything masked. */
function sigmaOfShare(z: readonly number[]): number {
  const share = z.filter((token) => token === MASK).length / LENGTH;
  return -Math.log(Math.max(1 - share, 1e-3));
}

/** Of a text at a level m: the mean over its masks, each position masked with probability m, of Σ −ln p.
 *  @param sigma what the network reads; null: none */
export function lossOfMasks(x: readonly number[], m: number, sigma: number | null): number {
  let mean = 0;
  for (let mask = 1; mask < 2 ** LENGTH; mask++) {
    const isMasked = (l: number) => Math.floor(mask / 2 ** l) % 2 === 1;
    const z = x.map((token, l) => (isMasked(l) ? MASK : token));
    let [probability, loss] = [1, 0];
    for (const [l, token] of x.entries()) {
      probability *= isMasked(l) ? m : 1 - m;
      if (isMasked(l)) loss -= Math.log(distribution(z, l, sigma)[token]);
    }
    mean += probability * loss;
  }
  return mean;
}

/** A position's distribution over the tokens in a state. @param sigma null: the network reads none */
function distribution(z: readonly number[], l: number, sigma: number | null): number[] {
  const at = (stateOf(z) * LENGTH + l) * WIDTH;
  const f = Array.from(logits.subarray(at, at + TOKENS), (value) => value * (1 + (sigma ?? 0) / 10));
  const total = f.reduce((sum, value) => sum + Math.exp(value), 0);
  return f.map((value) => Math.exp(value) / total);
}

export interface TablePolicy {
  order: string;
  k: number;
  block?: number;
  threshold?: number;
  bound?: number;
  ties?: 'lowest' | 'seeded';
  timed?: boolean;
}

/** The positions that a call reveals. @param precedence of the positions, for random orders and seeded ties */
function revealed(z: readonly number[], policy: TablePolicy, precedence: readonly number[]): number[] {
  const {
    order,
    k,
    block = LENGTH,
    threshold = Infinity,
    bound = -1,
    ties = 'lowest',
    timed = false,
  } = policy;
  const masked = z.flatMap((token, l) => (token === MASK ? [l] : []));
  const now = masked.filter((l) => Math.floor(l / block) === Math.floor(masked[0] / block));
  if (order === 'left-to-right') return now.slice(0, k);
  if (order === 'random') return now.sort((a, b) => precedence[a] - precedence[b]).slice(0, k);
  const p = new Map(now.map((l) => [l, distribution(z, l, timed ? sigmaOfShare(z) : null)]));
  const score = (l: number) => scoreOf(order, p.get(l) ?? []);
  const picks: number[] = [];
  while (picks.length < now.length) {
    const rest = now.filter((l) => !picks.includes(l));
    const best = Math.max(...rest.map(score));
    const tied = rest.filter((l) => score(l) >= best - 1e-5);
    const next = ties === 'lowest' ? tied[0] : tied.sort((a, b) => precedence[a] - precedence[b])[0];
    const entropies = [...picks, next].map((l) => entropy(p.get(l) ?? []));
    const together = entropies.reduce((a, b) => a + b) - Math.max(...entropies);
    if (picks.length >= k && together > bound) break;
    picks.push(next);
  }
  return now.filter((l) => picks.includes(l) || score(l) > threshold);
}

function permutations(values: readonly number[]): number[][] {
  if (values.length === 0) return [[]];
  return values.flatMap((first) =>
    permutations(values.filter((value) => value !== first)).map((rest) => [first, ...rest]),
  );
}

/** Probability of each of the 81 texts under the policy, index Σ token·3^l, for each order in which equal positions may go first. */
export function probabilitiesByPrecedence(policy: TablePolicy): Float64Array[] {
  const isDrawn = policy.order === 'random' || policy.ties === 'seeded';
  const precedences = isDrawn ? permutations([0, 1, 2, 3]) : [[0, 1, 2, 3]];
  return precedences.map((precedence) => {
    const total = new Float64Array(TOKENS ** LENGTH);
    const go = (z: readonly number[], probability: number): void => {
      if (!z.includes(MASK)) {
        total[z.reduce((sum, token, l) => sum + token * TOKENS ** l, 0)] += probability;
        return;
      }
      let branches = [{ z: [...z], probability }];
      for (const l of revealed(z, policy, precedence)) {
        const p = distribution(z, l, policy.timed ? sigmaOfShare(z) : null);
        branches = branches.flatMap((branch) =>
          p.map((value, token) => ({
            z: branch.z.map((own, i) => (i === l ? token : own)),
            probability: branch.probability * value,
          })),
        );
      }
      for (const branch of branches) go(branch.z, branch.probability);
    };
    go(new Array(LENGTH).fill(MASK), 1);
    return total;
  });
}

/** The same where random choices are drawn anew for each text. */
export function textProbabilities(policy: TablePolicy): Float64Array {
  const each = probabilitiesByPrecedence(policy);
  return each[0].map((_, text) => each.reduce((sum, one) => sum + one[text], 0) / each.length);
}
