/**
 * Beginnings of texts inside a session's worker (models/session-state.ts): the keys and values of tokens that were read once,
 * for the calls that continue them. A call keeps the positions of some of its sequences, or reads tokens behind kept ones.
 */
import { type Feeds, integers, type TensorType } from '../../models/feeds.js';
import { ADDED, type CacheLayout, PAST } from '../../models/key-value-cache.js';
import type { Network, StateKind } from '../../models/session-state.js';
import type { Signature } from '../../models/signature.js';

/** A kept beginning, and its number of tokens. */
export interface Prefix {
  id: number;
  length: number;
}

interface PrefixInit {
  layout: CacheLayout;
  signature: Pick<Signature, 'attentionMask' | 'positionIds'>;
}

interface PrefixRun {
  /** Of a first call: whole sequences, or what stands behind kept beginnings. */
  feeds: Feeds;
  /** By sequence: under which number its first tokens are kept; null: they are not. */
  keep: readonly (Prefix | null)[];
  /** By sequence: what it stands behind; null: these are whole sequences. */
  past: readonly Prefix[] | null;
  /** Positions of the past tensors, at least those of each beginning. */
  room: number;
}

class PrefixState {
  /** By number: [heads, length, headSize] of each part. */
  private readonly kept = new Map<number, Float32Array[]>();

  constructor(private readonly init: PrefixInit) {}

  /** @returns the outputs but for keys and values */
  async run({ feeds, keep, past, room }: PrefixRun, network: Network): Promise<Feeds> {
    const outputs = await network({ ...feeds, ...(past && this.pastFeeds(feeds, past, room)) });
    const { heads, headSize, parts } = this.init.layout;
    for (const [b, prefix] of keep.entries()) {
      if (prefix === null) continue;
      this.kept.set(
        prefix.id,
        parts.map((part) => {
          const { data, dims } = outputs[ADDED + part];
          const ofRow = new Float32Array(heads * prefix.length * headSize);
          for (let h = 0; h < heads; h++) {
            const from = (b * heads + h) * dims[2] * headSize;
            const piece = (data as Float32Array).subarray(from, from + prefix.length * headSize);
            ofRow.set(piece, h * prefix.length * headSize);
          }
          return ofRow;
        }),
      );
    }
    return Object.fromEntries(Object.entries(outputs).filter(([name]) => !name.startsWith(ADDED)));
  }

  async forget(ids: readonly number[]): Promise<void> {
    for (const id of ids) this.kept.delete(id);
  }

  /** Kept keys and values side by side, with the positions of the tokens behind them; the mask hides the room that is left. */
  private pastFeeds({ input_ids: ids }: Feeds, past: readonly Prefix[], room: number): Feeds {
    const { layout, signature } = this.init;
    const { heads, headSize, parts } = layout;
    const [batch, width] = ids.dims;
    // A fixed batch is filled up with repetitions of the last sequence.
    const prefixOf = (b: number) => past[Math.min(b, past.length - 1)];
    const tensors = parts.map((part, p) => {
      const data = new Float32Array(batch * heads * room * headSize);
      for (let b = 0; b < batch; b++) {
        const { id, length } = prefixOf(b);
        // a call behind a beginning follows the call that kept it
        const kept = this.kept.get(id)![p];
        for (let h = 0; h < heads; h++) {
          const piece = kept.subarray(h * length * headSize, (h + 1) * length * headSize);
          data.set(piece, (b * heads + h) * room * headSize);
        }
      }
      return [PAST + part, { type: 'float32', data, dims: [batch, heads, room, headSize] }] as const;
    });
    const ofEach = (columns: number, value: (b: number, i: number) => number) =>
      Array.from({ length: batch * columns }, (_, i) => value(Math.floor(i / columns), i % columns));
    const mask = ofEach(room + width, (b, i) => Number(i >= room || i < prefixOf(b).length));
    const positions = ofEach(width, (b, i) => prefixOf(b).length + i);
    const typeOf = (name: 'attentionMask' | 'positionIds') =>
      (signature[name]?.dtype ?? 'int64') as TensorType;
    return {
      ...Object.fromEntries(tensors),
      attention_mask: integers(typeOf('attentionMask'), mask, [batch, room + width]),
      position_ids: integers(typeOf('positionIds'), positions, [batch, width]),
    };
  }
}

export type { PrefixState };

export const prefixState: StateKind<PrefixInit, PrefixState> = {
  name: 'prefixes',
  create: (init) => new PrefixState(init),
};
