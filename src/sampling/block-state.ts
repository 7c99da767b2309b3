/**
 * Keys and values of the clean blocks of texts, inside a session's worker (models/session-state.ts). What a clean token's keys and
 * values are depends on the clean tokens before it alone, so they are stored under a name that says these tokens, and texts
 * that begin alike share them. Which names are stored is decided by block-draws.ts.
 */
import type { Feeds } from '../models/feeds.js';
import { ADDED, type CacheLayout, PAST } from '../models/key-value-cache.js';
import type { Network, StateKind } from '../models/session-state.js';

export interface BlockCall {
  /** All inputs but the past. */
  feeds: Feeds;
  /** Rows of the call: the stored past that each continues, all of one length, and the name under which that past, with the row's clean
   *  tokens after it, is stored; null: none. */
  rows: readonly { past: string | null; as: string | null }[];
  /** Tokens of a row before the clean ones. */
  noisyWidth: number;
  /** Names that are not needed any more after the call. */
  forget: readonly string[];
}

class BlockState {
  /** By name, for each part of the cache: [heads × positions × headSize]. */
  private readonly stored = new Map<string, Map<string, Float32Array>>();

  constructor(private readonly layout: CacheLayout) {}

  /** @returns the outputs of the network without keys and values */
  async draw({ feeds, rows, noisyWidth, forget }: BlockCall, network: Network): Promise<Feeds> {
    const outputs = await network({ ...feeds, ...this.pasts(rows) });
    for (const [r, { past, as }] of rows.entries())
      if (as !== null && !this.stored.has(as)) this.store(as, past, outputs, r, noisyWidth);
    for (const name of forget) this.stored.delete(name);
    return Object.fromEntries(Object.entries(outputs).filter(([name]) => !name.startsWith(ADDED)));
  }

  private pasts(rows: BlockCall['rows']): Feeds {
    const { heads, headSize, parts } = this.layout;
    return Object.fromEntries(
      parts.map((part) => {
        const pieces = rows.map(({ past }) => this.piece(past, part));
        const size = pieces[0].length;
        const data = new Float32Array(size * rows.length);
        for (const [r, piece] of pieces.entries()) data.set(piece, r * size);
        const dims = [rows.length, heads, size / (heads * headSize), headSize];
        return [PAST + part, { type: 'float32' as const, data, dims }];
      }),
    );
  }

  private piece(name: string | null, part: string): Float32Array {
    if (name === null) return new Float32Array(0);
    // a past is named only while it is stored
    return this.stored.get(name)!.get(part)!;
  }

  /** @param row of the call whose clean tokens are stored after `past` */
  private store(as: string, past: string | null, outputs: Feeds, row: number, noisyWidth: number): void {
    const { heads, headSize, parts } = this.layout;
    const stored = new Map<string, Float32Array>();
    for (const part of parts) {
      const added = outputs[ADDED + part];
      const tokens = added.dims[2];
      const before = this.piece(past, part);
      const [old, fresh] = [before.length / heads, (tokens - noisyWidth) * headSize];
      const joined = new Float32Array(heads * (old + fresh));
      for (let head = 0; head < heads; head++) {
        joined.set(before.subarray(head * old, (head + 1) * old), head * (old + fresh));
        const from = ((row * heads + head) * tokens + noisyWidth) * headSize;
        joined.set((added.data as Float32Array).subarray(from, from + fresh), head * (old + fresh) + old);
      }
      stored.set(part, joined);
    }
    this.stored.set(as, stored);
  }
}

export const blockState: StateKind<CacheLayout, BlockState> = {
  name: 'blocks',
  create: (layout) => new BlockState(layout),
};
