/**
 * Calls of a block diffusion model that is being drawn from: the block that a text is at, after the clean ones before it. Keys and
 * values of clean blocks are kept where the graph takes them (block-state.ts); the call that first reads a block also reads the
 * clean block before it, so storing costs no call. A network that answers for a block's first token from the clean token before it
 * reads that clean block in every call: what is stored ends before it.
 *
 * A text may be longer than the model's window: a block then sees as many clean blocks as fit before it, with positions from 0. What is
 * kept of earlier windows is not used again: in deep layers it still holds the blocks that were dropped (the reference uses it).
 */
import { type Checkpoint, readsRowBefore } from '../models/checkpoint.js';
import { type Feeds, networkFeeds } from '../models/feeds.js';
import { type CacheLayout, cacheLayout } from '../models/key-value-cache.js';
import type { CallOptions, ModelSession, SessionState } from '../models/session.js';
import { blockState } from './block-state.js';

export type BlockCheckpoint = Checkpoint & { family: 'bd3lm' };

/** Texts that one call can serve: their blocks, what is clean before them and what of that is stored are equally long. */
export interface BlockGroup {
  /** Samples of the request. */
  samples: number[];
  /** First position of each sample's block in its text. */
  starts: number[];
  /** Tokens of a row: noisy ones, then clean ones. */
  noisyWidth: number;
  cleanWidth: number;
  /** Clean tokens of the window before the block. */
  context: number;
  rows: { past: string | null; as: string | null }[];
  /** [samples × (noisyWidth + cleanWidth)] */
  tokens: Int32Array;
}

export class BlockDraws {
  private readonly layout: CacheLayout | null;
  private state: SessionState<ReturnType<typeof blockState.create>> | null = null;
  /** Names of what is stored, the least recently used first. */
  private readonly stored = new Set<string>();
  private most = 1;
  /** Whether rows of the network's logits come from the token before. */
  private readonly isShifted: boolean;

  /** @param cache false: every call reads the window anew */
  constructor(
    private readonly session: ModelSession,
    private readonly checkpoint: BlockCheckpoint,
    cache: boolean,
  ) {
    const { name, signature } = checkpoint;
    this.isShifted = readsRowBefore(checkpoint);
    this.layout = cache && signature.pastKeyValues.length > 0 ? cacheLayout(name, signature) : null;
  }

  /**
   * What is to be called for the samples [from, to), without those that have no mask.
   * @param tokens [batch × length]
   */
  groups(tokens: Int32Array, length: number, from: number, to: number): BlockGroup[] {
    const { blockSize, maskTokenId, fields } = this.checkpoint;
    const window = fields.length.value ?? length;
    const groups = new Map<string, BlockGroup>();
    this.most = Math.max(this.most, 2 * (to - from));
    for (let sample = from; sample < to; sample++) {
      const text = tokens.subarray(sample * length, (sample + 1) * length);
      const first = text.indexOf(maskTokenId);
      if (first < 0) continue;
      const start = first - (first % blockSize);
      const context = text.subarray(Math.max(0, start + blockSize - window), start);
      const { past, as, cleanWidth } = this.pastOf(context);
      const noisyWidth = Math.min(blockSize, length - start);
      const key = [noisyWidth, cleanWidth, context.length].join();
      const group = groups.get(key) ?? {
        ...{ samples: [], starts: [], rows: [], noisyWidth, cleanWidth, context: context.length },
        tokens: new Int32Array((to - from) * (noisyWidth + cleanWidth)),
      };
      const at = group.samples.length * (noisyWidth + cleanWidth);
      group.tokens.set(text.subarray(start, start + noisyWidth), at);
      group.tokens.set(context.subarray(context.length - cleanWidth), at + noisyWidth);
      group.samples.push(sample);
      group.starts.push(start);
      group.rows.push({ past, as });
      groups.set(key, group);
    }
    return [...groups.values()].map((group) => ({
      ...group,
      tokens: group.tokens.subarray(0, group.samples.length * (group.noisyWidth + group.cleanWidth)),
    }));
  }

  /** One call. @param head inputs of the head   @throws as ModelSession.run */
  async call(
    { samples, noisyWidth, cleanWidth, context, rows, tokens }: BlockGroup,
    head: Feeds,
    options: CallOptions,
  ): Promise<Feeds> {
    const batch = samples.length;
    const feeds = {
      ...networkFeeds(this.checkpoint.signature, {
        inputIds: BigInt64Array.from(tokens, BigInt),
        batch,
        length: noisyWidth + cleanWidth,
        sigma: new Float32Array(batch),
        noisyWidth,
        noisyFrom: context,
        cleanFrom: context - cleanWidth,
      }),
      ...head,
    };
    if (this.layout === null) return this.session.run(feeds, options);
    this.state ??= this.session.keep(blockState, this.layout);
    const forget = this.namesToForget(rows);
    try {
      return await this.state.call('draw', { feeds, rows, noisyWidth, forget }, options);
    } catch (error) {
      // After a failed call a state is of no use.
      this.state.release();
      this.state = null;
      this.stored.clear();
      throw error;
    }
  }

  /** The longest stored part of what is clean before a block, and the rest, which the call must read. */
  private pastOf(context: Int32Array): { past: string | null; as: string | null; cleanWidth: number } {
    if (this.layout === null || context.length === 0)
      return { past: null, as: null, cleanWidth: context.length };
    const as = context.join();
    const isStored = this.use(as);
    if (isStored && !this.isShifted) return { past: as, as: null, cleanWidth: 0 };
    const { blockSize } = this.checkpoint;
    const stores = isStored ? null : as;
    const before = context.subarray(0, context.length - blockSize).join();
    if (context.length > blockSize && this.use(before))
      return { past: before, as: stores, cleanWidth: blockSize };
    return { past: null, as: stores, cleanWidth: context.length };
  }

  /** Whether a name is stored, which is then the most recently used. */
  private use(name: string): boolean {
    const known = this.stored.delete(name);
    if (known) this.stored.add(name);
    return known;
  }

  /** Notes what a call stores. */
  private namesToForget(rows: BlockGroup['rows']): string[] {
    for (const { as } of rows) if (as !== null) this.stored.add(as);
    const names = [...this.stored];
    const forgotten = names.slice(0, Math.max(0, names.length - this.most));
    for (const name of forgotten) this.stored.delete(name);
    return forgotten;
  }
}
