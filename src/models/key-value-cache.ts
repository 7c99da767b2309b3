/**
 * Cached keys and values of an autoregressive checkpoint, as exporters name them: `past_key_values.*` in, `present.*` out.
 *
 * A `present` is the past followed by the new positions. If it were used as it is, every step would copy all earlier
 * positions, in the runtime and again into JavaScript. So the graph returns the new positions alone (`exposeAdded`). They
 * are stored in memory kept here, which has spare room; the attention mask hides the unfilled positions.
 */
import { ModelError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import type { Feeds, TensorData } from './feeds.js';
import type { Signature } from './signature.js';

export const PAST = 'past_key_values.';
/** Outputs of `exposeAdded`: `added.0.key` for `present.0.key`. */
export const ADDED = 'added.';
/** Memory grows by this many positions: fewer than that are read in vain, and growing, which copies, is rare. */
const ROOM = 64;

/** The cache tensors that a model takes, and their shape apart from batch and positions. */
export interface CacheLayout {
  /** Name of the model, for errors. */
  model: string;
  /** `0.key`, `0.value`, `1.key` … */
  parts: readonly string[];
  heads: number;
  headSize: number;
}

/** @throws ModelError `no-cache` when the model takes no cached keys and values of one known shape */
export function cacheLayout(model: string, { pastKeyValues }: Signature): CacheLayout {
  const shapes = pastKeyValues.map(({ shape }) => [shape?.[1], shape?.[3]]);
  const [heads, headSize] = shapes[0] ?? [];
  const alike = shapes.every((shape) => shape[0] === heads && shape[1] === headSize);
  const plain = pastKeyValues.every(({ dtype }) => dtype === 'float32');
  if (typeof heads !== 'number' || typeof headSize !== 'number' || !alike || !plain) {
    throw new ModelError({
      code: 'no-cache',
      message: shapes.length
        ? `${model}: its past_key_values are not all float32 [batch, heads, positions, width] of one size.`
        : `${model} takes no cached keys and values (inputs past_key_values.*).`,
      hint: 'Run it without a cache, or export it again with past key values of fixed heads and width.',
    });
  }
  return { model, parts: pastKeyValues.map(({ name }) => name.slice(PAST.length)), heads, headSize };
}

/**
 * Replaces the outputs `present.*` by the new positions alone, `added.*` [batch, heads, new, headSize], where the graph makes
 * each as Concat(past, new). If nothing else needs that Concat, prune.ts removes it.
 * @throws ModelError `no-cache` when a `present` is computed in another way
 */
export function exposeAdded(graph: Graph, layout: CacheLayout): void {
  const producers = new Map(graph.proto.node.flatMap((node) => node.output.map((name) => [name, node])));
  const source = (name: string): string => {
    const node = producers.get(name);
    return node?.opType === 'Identity' ? source(node.input[0]) : name;
  };
  const kept = graph.proto.output.filter(({ name }) => !name.startsWith('present.'));
  graph.proto.output = kept;
  for (const part of layout.parts) {
    const node = producers.get(source(`present.${part}`));
    if (node?.opType !== 'Concat' || node.input.length !== 2 || node.input[0] !== PAST + part) {
      throw new ModelError({
        code: 'no-cache',
        message: `${layout.model}: its output "present.${part}" is not the past with new positions after it.`,
        hint: 'Run it without a cache, or export it with past key values that grow by concatenation.',
      });
    }
    const shape = ['batch', layout.heads, 'length', layout.headSize];
    graph.output(graph.value(node.input[1], 'float32'), ADDED + part, shape);
  }
}

export class KeyValueCache {
  /** Positions stored. */
  filled = 0;
  private room = 0;
  private readonly memory = new Map<string, Float32Array>();

  constructor(
    readonly layout: CacheLayout,
    readonly batch: number,
  ) {
    for (const part of layout.parts) this.memory.set(part, new Float32Array(0));
  }

  /** Positions of the past tensors, filled or not: those before the new tokens in the attention mask. */
  get pastLength(): number {
    return this.room;
  }

  /** The past tensors; views of this cache's memory, valid until the next `store`. */
  feeds(): Feeds {
    const { heads, headSize, parts } = this.layout;
    const dims = [this.batch, heads, this.room, headSize];
    return Object.fromEntries(
      parts.map((part): [string, TensorData] => [
        PAST + part,
        { type: 'float32', data: this.memoryOf(part), dims },
      ]),
    );
  }

  /**
   * The attention mask for `length` new tokens: 1 for visible positions.
   * @param visible int64 [batch, filled + length]: 0 for padding; null if there is none
   */
  attentionMask(length: number, visible: readonly (readonly number[])[] | null = null): TensorData {
    const width = this.room + length;
    const data = new BigInt64Array(this.batch * width);
    for (let b = 0; b < this.batch; b++) {
      for (let i = 0; i < this.filled + length; i++) {
        const slot = i < this.filled ? i : this.room + i - this.filled;
        data[b * width + slot] = BigInt(visible ? visible[b][i] : 1);
      }
    }
    return { type: 'int64', data, dims: [this.batch, width] };
  }

  /** Appends the new positions, `added.*` of a call, to those stored. @throws ModelError `foreign-cache` */
  store(outputs: Feeds): void {
    const { heads, headSize, parts } = this.layout;
    const length = outputs[ADDED + parts[0]]?.dims[2] ?? 0;
    this.check(outputs, length);
    if (this.filled + length > this.room) this.grow(this.filled + length);
    for (const part of parts) {
      const memory = this.memoryOf(part);
      const added = outputs[ADDED + part].data as Float32Array;
      for (let row = 0; row < this.batch * heads; row++) {
        const piece = added.subarray(row * length * headSize, (row + 1) * length * headSize);
        memory.set(piece, (row * this.room + this.filled) * headSize);
      }
    }
    this.filled += length;
  }

  private memoryOf(part: string): Float32Array {
    return this.memory.get(part)!; // made for every part by the constructor
  }

  private grow(needed: number): void {
    const { heads, headSize, parts } = this.layout;
    const room = Math.ceil(needed / ROOM) * ROOM;
    for (const part of parts) {
      const before = this.memoryOf(part);
      const memory = new Float32Array(this.batch * heads * room * headSize);
      for (let row = 0; row < this.batch * heads; row++) {
        const from = row * this.room * headSize;
        memory.set(before.subarray(from, from + this.filled * headSize), row * room * headSize);
      }
      this.memory.set(part, memory);
    }
    this.room = room;
  }

  private check(outputs: Feeds, length: number): void {
    const { model, parts, heads, headSize } = this.layout;
    const wanted = [this.batch, heads, length, headSize];
    for (const part of parts) {
      const dims = outputs[ADDED + part]?.dims;
      if (dims && dims.length === 4 && dims.every((size, axis) => size === wanted[axis])) continue;
      throw new ModelError({
        code: 'foreign-cache',
        message: `${model}: keys and values "${part}" ${dims ? `of shape [${dims.join(', ')}]` : 'that are missing'} do not belong to its cache, which takes [${wanted.join(', ')}].`,
        hint: 'A cache belongs to the model and the batch it was made for: start a new one.',
      });
    }
  }
}
