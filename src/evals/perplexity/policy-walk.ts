/** One text on its way from masked to revealed, under an unmasking policy. It knows no network. */
import { isScored, pickPositions, positionsInTurn } from '../../diffusion/unmasking.js';
import { streams } from '../../random/streams.js';
import { fillUniforms } from '../../random/uniforms.js';
import type { ExactLikelihood } from './exact-likelihood.js';

/** What a call says of the positions that were asked about, in their order. */
export interface Answers {
  /** ln p of the true token. */
  logProbability: ArrayLike<number>;
  /** The policy's score; not read by orders that need none. */
  score: ArrayLike<number>;
  /** ln p of the most probable token, where it was asked for. */
  best?: ArrayLike<number>;
  /** The most probable tokens there, and ln p of each, by rank, where they are asked for. */
  top?: readonly { token: ArrayLike<bigint>; logProbability: ArrayLike<number> }[];
}

export interface WalkStart {
  mask: number;
  /** Address of its uniform numbers. */
  seed: number;
  sequence: number;
  /** Positions that are to be revealed, ascending; by default all, or all but BOS, as the likelihood says. */
  masked?: readonly number[];
  /** L′ of block diffusion. */
  modelBlock?: number;
}

/** A text that is asked about call by call. */
export interface Walk {
  /** The true tokens. */
  readonly x: Int32Array;
  /** What the next call reads. */
  readonly tokens: Int32Array;
  readonly positions: readonly number[];
  /** The true tokens at {@link positions}. */
  readonly targets: number[];
  /** Masked tokens; 0 where nothing is left to ask. */
  readonly left: number;
  readonly calls: number;
  /** @param answers about {@link positions} */
  reveal(answers: Answers): void;
}

/** Positions by the block that they are in. */
export function byBlock(positions: readonly number[], size: number): readonly (readonly number[])[] {
  const blocks = new Map<number, number[]>();
  for (const position of positions) {
    const block = Math.floor(position / size);
    const found = blocks.get(block);
    if (found) found.push(position);
    else blocks.set(block, [position]);
  }
  return [...blocks.values()];
}

export class PolicyWalk implements Walk {
  /** What a network reads: the mask where nothing is revealed. */
  readonly tokens: Int32Array;
  /** Positions call by call, ascending within one. */
  readonly order: number[] = [];
  /** ln p of each position's token; NaN where it is not scored or not yet revealed. */
  readonly logProbability: Float64Array;
  calls = 0;
  /** Whether each token revealed so far was the most probable one; where answers do not say it, true. */
  isGreedy = true;
  private masked: number[];
  /** What the next call is asked about, by the model's blocks. */
  private asked: readonly (readonly number[])[] | null = null;
  /** One per position, for orders and ties that are drawn. */
  private readonly uniforms: Float64Array;

  /** L′ of block diffusion, whose blocks a call advances all together; else the whole text. */
  private readonly modelBlock: number;

  /** @param x the true tokens */
  constructor(
    readonly x: Int32Array,
    private readonly likelihood: ExactLikelihood,
    { mask, seed, sequence, masked, modelBlock }: WalkStart,
  ) {
    this.modelBlock = modelBlock ?? x.length;
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
    return this.ask().flat();
  }

  private ask(): readonly (readonly number[])[] {
    this.asked ??= byBlock(this.masked, this.modelBlock).map((masked) => {
      const inTurn = positionsInTurn(masked, this.likelihood.blockSize);
      return isScored(this.likelihood.order) ? inTurn : this.pick(inTurn, []).map((i) => inTurn[i]);
    });
    return this.asked;
  }

  /** The true tokens at {@link positions}. */
  get targets(): number[] {
    return this.positions.map((position) => this.x[position]);
  }

  /** Reveals what the policy picks. @param answers about {@link positions} */
  reveal({ logProbability, score, best }: Answers): void {
    const { x } = this;
    const revealed = new Set<number>();
    let first = 0;
    for (const positions of this.ask()) {
      const scores = positions.map((_, i) => score[first + i]);
      const picks = isScored(this.likelihood.order)
        ? this.pick(positions, scores)
        : positions.map((_, i) => i);
      for (const i of picks) {
        const position = positions[i];
        this.tokens[position] = x[position];
        this.logProbability[position] = logProbability[first + i];
        if (best && logProbability[first + i] < best[first + i]) this.isGreedy = false;
        this.order.push(position);
        revealed.add(position);
      }
      first += positions.length;
    }
    this.masked = this.masked.filter((position) => !revealed.has(position));
    this.asked = null;
    this.calls++;
  }

  private pick(positions: readonly number[], scores: ArrayLike<number>): number[] {
    const uniforms = positions.map((position) => this.uniforms[position]);
    return pickPositions(positions, { scores, uniforms }, this.likelihood);
  }
}
