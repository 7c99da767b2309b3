/**
 * Autoregressive decoding inside a session's worker (session-state.ts): uniforms in, drawn tokens out. The tokens so far
 * stay there, and so do keys and values where the graph takes them, in one of three ways:
 *
 *     added     the graph gives the new positions alone, which are put after the others (key-value-cache.ts)
 *     present   the graph gives past and new positions together; they become the next call's past as they are
 *     none      every call reads all tokens so far
 *
 * The graph has a head that draws one token a row; the rows are the last positions read. A call draws the token of one
 * position and answers it; given tokens stand where they are given, whatever is drawn.
 */
import { splitUniforms } from '../random/uniforms.js';
import { type Feeds, integers, networkFeeds, type TensorData, type TensorType } from './feeds.js';
import { type CacheLayout, KeyValueCache } from './key-value-cache.js';
import type { Network, WorkerState } from './session-state.js';
import type { Signature } from './signature.js';

export type PastKind = 'added' | 'present' | 'none';

/** Names of the draw's tensors in the graph. */
export interface DrawNames {
  /** int64 [rows, 2]: (sequence, position among the tokens read). */
  rows: string;
  /** float64 [rows]; where there is a `fineUniforms`, both are float32: 24 bits of the number each, the higher ones here. */
  uniforms: string;
  fineUniforms: string | null;
  /** int64 [rows] */
  token: string;
  /** float32 [rows]: of the token. */
  probability: string;
}

export interface CausalInit {
  signature: Signature;
  past: PastKind;
  /** Of the cache, where `past` is `added`. */
  layout: CacheLayout | null;
  draw: DrawNames;
  batch: number;
  length: number;
  /** [batch × length]: the given tokens where `given` is 1. */
  tokens: Int32Array;
  given: Uint8Array;
}

/** What a call takes, besides `uniforms`, float64 [batch]. */
export const POSITION = 'position';
export const UNIFORMS = 'uniforms';
/** What it answers: the tokens, int32 [batch], what the drawn ones' probability was, float32 [batch], and how often the
 *  network ran for it, int32 [1]. */
export const TOKENS = 'tokens';
export const PROBABILITIES = 'probabilities';
export const NETWORK_CALLS = 'network_calls';

export const createState = (init: CausalInit): WorkerState => new CausalState(init);

class CausalState implements WorkerState {
  /** Sequences of a run: a graph of fixed batch is filled up with repetitions of the last. */
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
    this.cache = past === 'added' ? new KeyValueCache(layout!, this.rows) : null;
  }

  async call(feeds: Feeds, network: Network): Promise<Feeds> {
    const { batch, length, given, draw } = this.init;
    const position = Number((feeds[POSITION].data as Int32Array)[0]);
    const drawn = feeds[UNIFORMS].data as Float64Array;
    const uniforms = Float64Array.from({ length: this.rows }, (_, r) => drawn[this.sequence(r)]);
    let calls = 0;
    let outputs: Feeds = {};
    while (this.read < position) {
      outputs = await this.readTokens(position, uniforms, network);
      calls++;
    }
    const next = outputs[draw.token].data as BigInt64Array;
    const probabilities = outputs[draw.probability].data as Float32Array;
    const answer = new Int32Array(batch);
    for (let r = 0; r < this.rows; r++) {
      const at = r * length + position;
      if (!given[this.sequence(r) * length + position]) this.tokens[at] = next[r];
      if (r < batch) answer[r] = Number(this.tokens[at]);
    }
    return {
      [TOKENS]: { type: 'int32', data: answer, dims: [batch] },
      [PROBABILITIES]: { type: 'float32', data: probabilities.slice(0, batch), dims: [batch] },
      [NETWORK_CALLS]: { type: 'int32', data: Int32Array.of(calls), dims: [1] },
    };
  }

  /** Reads tokens up to `position`, as many as a run takes, and draws what follows the last of them. */
  private async readTokens(position: number, uniforms: Float64Array, network: Network): Promise<Feeds> {
    const { past, draw, signature, length } = this.init;
    const from = past === 'none' ? 0 : this.read;
    // A graph of a fixed length is filled up behind the last token, which no token before it sees.
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

  /** Cached keys and values, and the inputs that tell where the new tokens stand; all else is as for a first call. */
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

  /** Which of the batch a row of a run is. */
  private sequence(row: number): number {
    return Math.min(row, this.init.batch - 1);
  }
}

function uniformFeeds(draw: DrawNames, uniforms: Float64Array): Feeds {
  const dims = [uniforms.length];
  if (draw.fineUniforms === null) return { [draw.uniforms]: { type: 'float64', data: uniforms, dims } };
  const { coarse, fine } = splitUniforms(uniforms);
  return {
    [draw.uniforms]: { type: 'float32', data: coarse, dims },
    [draw.fineUniforms]: { type: 'float32', data: fine, dims },
  };
}
