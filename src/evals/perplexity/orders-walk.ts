/**
 * One text under every order of revealing its tokens, exactly: the likelihoods of diffusion/subsets.ts for each block. A call shows one
 * subset of the tokens of a block, the same one in all blocks at once, so that 2ⁿ − 1 calls are enough for a text of any length in
 * blocks of n. It knows no network.
 */
import {
  likelihoodsOverOrders,
  MOST_SUBSET_TOKENS,
  type OrderLikelihoods,
  OVER_ORDERS,
  type OverOrders,
  PSI_OF_SUMS,
  properSubsets,
  upperBound,
} from '../../diffusion/subsets.js';
import { sum } from '../../statistics/numbers.js';
import type { ExactLikelihood } from './exact-likelihood.js';
import { byBlock, type Walk, type WalkStart } from './policy-walk.js';

/** −ln p and the two bounds of it: nats of all tokens, and without BOS and EOS, which are then masked or given, but not scored. */
export type OrdersNats = Record<OverOrders, { nats: number; textNats: number }>;

interface Block {
  /** Of the tokens that are to be revealed. */
  positions: readonly number[];
  /** ln p of each given each subset, as {@link likelihoodsOverOrders} reads it. */
  table: Float64Array;
}

export class OrdersWalk implements Walk {
  readonly tokens: Int32Array;
  calls = 0;
  private readonly blocks: readonly Block[];
  private readonly mask: number;

  /** @throws RangeError for a block of more than {@link MOST_SUBSET_TOKENS} tokens */
  constructor(
    readonly x: Int32Array,
    { from }: Pick<ExactLikelihood, 'from'>,
    { mask, modelBlock = x.length }: WalkStart,
  ) {
    const first = from === 'bos' ? 1 : 0;
    const masked = Array.from({ length: x.length - first }, (_, i) => i + first);
    this.mask = mask;
    this.blocks = byBlock(masked, modelBlock).map((positions) => {
      const n = positions.length;
      if (n > MOST_SUBSET_TOKENS) throw new RangeError(`all subsets of ${n} tokens are too many`);
      return { positions, table: new Float64Array(2 ** n * n) };
    });
    this.tokens = x.slice();
    this.show();
  }

  /** Masked tokens of the next call; 0 when there is none. */
  get left(): number {
    return this.positions.length;
  }

  /** What the next call is asked about: all that is masked. */
  get positions(): readonly number[] {
    return this.blocks.flatMap(({ positions }) => positions.filter((_, i) => this.isMasked(positions, i)));
  }

  get targets(): number[] {
    return this.positions.map((position) => this.x[position]);
  }

  reveal({ logProbability }: { logProbability: ArrayLike<number> }): void {
    let next = 0;
    for (const { positions, table } of this.blocks) {
      const n = positions.length;
      for (let i = 0; i < n; i++)
        if (this.isMasked(positions, i)) table[this.calls * n + i] = logProbability[next++];
    }
    this.calls++;
    this.show();
  }

  /** @param edge tokens at either end of the text that wrap it */
  nats(edge: number): OrdersNats {
    const isText = (position: number) => position >= edge && position < this.x.length - edge;
    const whole = this.blocks.map(({ positions, table }) => likelihoodsOverOrders(table, positions.length));
    const ofText = this.blocks.flatMap(({ positions, table }, b) => {
      const kept = positions.flatMap((position, i) => (isText(position) ? [i] : []));
      if (kept.length === positions.length) return [whole[b]];
      return kept.length === 0
        ? []
        : [likelihoodsOverOrders(restricted(table, positions.length, kept), kept.length)];
    });
    const natsOf = (kind: OverOrders) => ({
      nats: -sum(whole.map((one) => likelihoodOf(one, kind))),
      textNats: -sum(ofText.map((one) => likelihoodOf(one, kind))),
    });
    return Object.fromEntries(OVER_ORDERS.map((kind) => [kind, natsOf(kind)])) as OrdersNats;
  }

  /** Whether the token is not of the subset that the next call shows; a short block is soon whole. */
  private isMasked({ length }: readonly number[], i: number): boolean {
    return this.calls < properSubsets(length) && (this.calls & (1 << i)) === 0;
  }

  private show(): void {
    for (const { positions } of this.blocks)
      for (const [i, position] of positions.entries())
        this.tokens[position] = this.isMasked(positions, i) ? this.mask : this.x[position];
  }
}

function likelihoodOf(likelihoods: OrderLikelihoods, kind: OverOrders): number {
  return kind === 'upper-bound' ? upperBound(likelihoods, PSI_OF_SUMS) : likelihoods[kind];
}

/** The table of some of n tokens, the others masked. @param kept ascending */
function restricted(table: Float64Array, n: number, kept: readonly number[]): Float64Array {
  const part = new Float64Array(2 ** kept.length * kept.length);
  for (let S = 0; S < properSubsets(kept.length); S++) {
    const subset = kept.reduce((bits, i, j) => bits | (((S >> j) & 1) << i), 0);
    for (const [j, i] of kept.entries()) part[S * kept.length + j] = table[subset * n + i];
  }
  return part;
}
