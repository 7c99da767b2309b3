/**
 * Autoregressive decoding inside a session's worker (models/session-state.ts): uniforms in, drawn tokens out. The tokens so
 * far stay there, and so do keys and values where the graph takes them, in one of three ways:
 *
 *     added     the graph returns the new positions alone, which are appended to the others (models/key-value-cache.ts)
 *     present   the graph returns past and new positions together, which become the past of the next call
 *     none      every call reads all tokens so far
 *
 * The graph's head draws one token per row; the rows are the last positions read. A call draws the tokens of one position,
 * one per sequence; given tokens replace drawn ones.
 */
import { type Feeds, integers, networkFeeds, type TensorData, type TensorType } from '../models/feeds.js';
import { type CacheLayout, KeyValueCache } from '../models/key-value-cache.js';
import type { Network, StateKind } from '../models/session-state.js';
import type { Signature } from '../models/signature.js';
import { splitUniforms } from '../random/uniforms.js';

/** What of the tokens read before is given to the graph again. */
export type PastKind = 'added' | 'present' | 'none';

/** Names of the draw's tensors in the graph: the head itself is not loaded in the worker. */
export interface DrawNames {
  /** int64 [rows, 2]: (sequence, position among the tokens read). */
  rows: string;
  /** float64 [rows]; with `fineUniforms`, both are float32 and hold 24 bits of the number each, the higher ones here. */
  uniforms: string;
  fineUniforms: string | null;
  /** int64 [rows] */
  token: string;
  /** float32 [rows]: that of the token. */
  probability: string;
}

export interface CausalInit {
  signature: Signature;
  past: PastKind;
  /** Of the cache; null unless `past` is `added`. */
  layout: CacheLayout | null;
  draw: DrawNames;
  batch: number;
  length: number;
  /** [batch × length]: the given tokens where `given` is 1. */
  tokens: Int32Array;
  given: Uint8Array;
}

export interface CausalDraw {
  /** [batch] */
  tokens: Int32Array;
  /** Probability of each drawn token, [batch]. */
  probabilities: Float32Array;
  /** Runs of the network for this draw. */
  networkCalls: number;
}

class CausalState {
  /** Sequences per run: a fixed batch is filled up with repetitions of the last sequence. */
  private readonly rows: number;
  /** [rows × length] */
  private readonly tokens: BigInt64Array;
  /** Positions that need not be read again. */
  private read = 0;
  private readonly cache: KeyValueCache | null;
  private presents: Feeds = {};

  constructor(private readonly init: CausalInit) {
    const { batch, length, tokens, signature, past, layout } = init;
    this.rows = signature.fixedBatch ?? batch;
    this.tokens = new BigInt64Array(this.rows * length);
    for (let r = 0; r < this.rows; r++) {
      const from = this.sequence(r) * length;
      for (let l = 0; l < length; l++) this.tokens[r * length + l] = BigInt(tokens[from + l]);
    }
    this.cache = past === 'added' && layout ? new KeyValueCache(layout, this.rows) : null;
  }

  /** @param uniforms of [0, 1), [batch]   @param position from 1, and after that of the call before */
  async draw(
    { position, uniforms }: { position: number; uniforms: Float64Array },
    network: Network,
  ): Promise<CausalDraw> {
    const { batch, length, given, draw } = this.init;
    const ofRows = Float64Array.from({ length: this.rows }, (_, r) => uniforms[this.sequence(r)]);
    let networkCalls = 0;
    let outputs: Feeds = {};
    while (this.read < position) {
      outputs = await this.readTokens(position, ofRows, network);
      networkCalls++;
    }
    const next = outputs[draw.token].data as BigInt64Array;
    const probabilities = outputs[draw.probability].data as Float32Array;
    const tokens = new Int32Array(batch);
    for (let r = 0; r < this.rows; r++) {
      const at = r * length + position;
      if (!given[this.sequence(r) * length + position]) this.tokens[at] = next[r];
      if (r < batch) tokens[r] = Number(this.tokens[at]);
    }
    return { tokens, probabilities: probabilities.slice(0, batch), networkCalls };
  }

  /** Reads the tokens before `position`, as many as one run takes, and draws the token after the last of them. */
  private async readTokens(position: number, uniforms: Float64Array, network: Network): Promise<Feeds> {
    const { past, draw, signature, length } = this.init;
    const from = past === 'none' ? 0 : this.read;
    // A fixed length is filled up behind the last token, where no earlier token looks.
    const width = signature.fixedLength ?? position - from;
    const to = Math.min(position, from + width);
    const inputIds = new BigInt64Array(this.rows * width);
    for (let r = 0; r < this.rows; r++)
      inputIds.set(this.tokens.subarray(r * length + from, r * length + to), r * width);
    const fed = networkFeeds(signature, { inputIds, batch: this.rows, length: width, sigma: null });
    const last = BigInt(to - from - 1);
    const rows = BigInt64Array.from({ length: 2 * this.rows }, (_, i) => (i % 2 ? last : BigInt(i >> 1)));
    const outputs = await network({
      ...fed,
      ...this.pastFeeds(from, width),
      [draw.rows]: { type: 'int64', data: rows, dims: [this.rows, 2] },
      ...uniformFeeds(draw, uniforms),
    });
    this.keep(outputs);
    this.read = to;
    return outputs;
  }

  /** Cached keys and values, and the positions of the new tokens; all other inputs are as in a first call. */
  private pastFeeds(from: number, width: number): Feeds {
    if (from === 0 || this.init.past === 'none') return {};
    const { attentionMask, positionIds, useCacheBranch } = this.init.signature;
    const { rows } = this;
    const mask = this.cache
      ? Array.from(this.cache.attentionMask(width).data as BigInt64Array, Number)
      : Array<number>(rows * (from + width)).fill(1);
    const type = (tensor: { dtype: unknown }) => tensor.dtype as TensorType;
    const positions = Array.from({ length: rows * width }, (_, i) => from + (i % width));
    return {
      ...(this.cache?.feeds() ?? this.presents),
      ...(attentionMask && {
        attention_mask: integers(type(attentionMask), mask, [rows, mask.length / rows]),
      }),
      ...(positionIds && { position_ids: integers(type(positionIds), positions, [rows, width]) }),
      ...(useCacheBranch && { use_cache_branch: integers('bool', [1], [1]) }),
    };
  }

  private keep(outputs: Feeds): void {
    if (this.init.past === 'none') return;
    if (this.cache) {
      this.cache.store(outputs);
      return;
    }
    const presentOf = (past: string): TensorData => outputs[past.replace(/^past_key_values\./, 'present.')];
    this.presents = Object.fromEntries(
      this.init.signature.pastKeyValues.map(({ name }) => [name, presentOf(name)]),
    );
  }

  /** The sequence of the batch that a row of a run repeats. */
  private sequence(row: number): number {
    return Math.min(row, this.init.batch - 1);
  }
}

export const causalState: StateKind<CausalInit, CausalState> = {
  name: 'causal',
  create: (init) => new CausalState(init),
};

function uniformFeeds(draw: DrawNames, uniforms: Float64Array): Feeds {
  const dims = [uniforms.length];
  if (draw.fineUniforms === null) return { [draw.uniforms]: { type: 'float64', data: uniforms, dims } };
  const { coarse, fine } = splitUniforms(uniforms);
  return {
    [draw.uniforms]: { type: 'float32', data: coarse, dims },
    [draw.fineUniforms]: { type: 'float32', data: fine, dims },
  };
}
