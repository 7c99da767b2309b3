/** One text on its way from masked to revealed, under an unmasking policy. It knows no network. */
import { isScored, picked, positionsInTurn } from '../../diffusion/unmasking.js';
import { streams } from '../../random/streams.js';
import { fillUniforms } from '../../random/uniforms.js';
import type { ExactLikelihood } from './exact-likelihood.js';

/** What a call says of the positions that were asked about, in their order. */
export interface Answers {
  /** ln p of the true token. */
  logProbability: ArrayLike<number>;
  /** The policy's score; not read by orders that need none. */
  score: ArrayLike<number>;
}

interface WalkStart {
  mask: number;
  seed: number;
  sequence: number;
  masked?: readonly number[];
}

export class PolicyWalk {
  /** What a network reads: the mask where nothing is revealed. */
  readonly tokens: Int32Array;
  /** Positions call by call, ascending within one. */
  readonly order: number[] = [];
  /** ln p of each position's token; NaN where it is not scored or not yet revealed. */
  readonly logProbability: Float64Array;
  calls = 0;
  private masked: number[];
  private asked: readonly number[] | null = null;
  /** One per position, for orders and ties that are drawn. */
  private readonly uniforms: Float64Array;

  /**
   * @param x the true tokens   @param start address of its uniform numbers, and the positions that are to be revealed, ascending; by
   *   default all, or all but BOS, as the likelihood says
   */
  constructor(
    private readonly x: Int32Array,
    private readonly likelihood: ExactLikelihood,
    { mask, seed, sequence, masked }: WalkStart,
  ) {
    const first = likelihood.from === 'bos' ? 1 : 0;
    this.masked = [...(masked ?? Array.from({ length: x.length - first }, (_, i) => i + first))];
    this.tokens = x.slice();
    for (const position of this.masked) this.tokens[position] = mask;
    this.logProbability = new Float64Array(x.length).fill(Number.NaN);
    this.uniforms = new Float64Array(x.length);
    if (likelihood.order === 'random' || likelihood.ties === 'seeded')
      fillUniforms(this.uniforms, { seed, stream: streams.unmaskingOrder, sequence, step: 0 });
  }

  get left(): number {
    return this.masked.length;
  }

  /** The positions that the next call is asked about: those in turn, or of these only the ones that it reveals where that is known. */
  get positions(): readonly number[] {
    if (this.asked === null) {
      const inTurn = positionsInTurn(this.masked, this.likelihood.blockSize);
      this.asked = isScored(this.likelihood.order) ? inTurn : this.pick(inTurn, []).map((i) => inTurn[i]);
    }
    return this.asked;
  }

  /** The true tokens at {@link positions}. */
  get targets(): number[] {
    return this.positions.map((position) => this.x[position]);
  }

  /** Reveals what the policy picks. @param answers about {@link positions} */
  reveal({ logProbability, score }: Answers): void {
    const { positions, x } = this;
    const all = positions.map((_, i) => i);
    const picks = isScored(this.likelihood.order) ? this.pick(positions, score) : all;
    for (const i of picks) {
      const position = positions[i];
      this.tokens[position] = x[position];
      this.logProbability[position] = logProbability[i];
      this.order.push(position);
    }
    const revealed = new Set(picks.map((i) => positions[i]));
    this.masked = this.masked.filter((position) => !revealed.has(position));
    this.asked = null;
    this.calls++;
  }

  private pick(positions: readonly number[], scores: ArrayLike<number>): number[] {
    const uniforms = positions.map((position) => this.uniforms[position]);
    return picked(positions, { scores, uniforms }, this.likelihood);
  }
}
