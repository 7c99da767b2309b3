/** Inputs and outputs of a causal network with cached keys and values, by the names that exporters give them. */
import type { Graph, Value } from '../../graph/graph.js';
import { Concat, Gather, Shape, Slice } from '../../graph/operators.js';
import { cachedBias, type KeysAndValues } from './attention.js';

export interface CacheSizes {
  blocks: number;
  keyValueHeads: number;
  headSize: number;
}

export interface CachedInputs {
  /** int64 [batch, new] */
  ids: Value;
  positions: Value;
  /** One per block. */
  pasts: KeysAndValues[];
  /** Bias on the scores, [batch, 1, new, past + new]. */
  bias: Value;
  /** int64 [1] */
  pastLength: Value;
}

/** Declares them in the order of cachedCausalGraph (causal.ts), whose comment describes them. */
export function cachedInputs(graph: Graph, { blocks, keyValueHeads, headSize }: CacheSizes): CachedInputs {
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const attentionMask = graph.input('attention_mask', 'int64', ['batch', 'total_length']);
  const positions = graph.input('position_ids', 'int64', ['batch', 'length']);
  return {
    ids,
    positions,
    bias: cachedBias(attentionMask, Gather(Shape(ids), 1)),
    ...pastInputs(graph, { blocks, keyValueHeads, headSize }),
  };
}

/** The past alone. */
export function pastInputs(
  graph: Graph,
  { blocks, keyValueHeads, headSize }: CacheSizes,
): Pick<CachedInputs, 'pasts' | 'pastLength'> {
  const shape = ['batch', keyValueHeads, 'past_length', headSize];
  const pasts = Array.from({ length: blocks }, (_, i): KeysAndValues => {
    const input = (part: string) => graph.input(`past_key_values.${i}.${part}`, 'float32', shape);
    return { key: input('key'), value: input('value') };
  });
  return { pasts, pastLength: Slice(Shape(pasts[0].key), { starts: [2], ends: [3], axes: [0] }) };
}

/** The past with what each block added, as outputs `present.*`. */
export function cachedOutputs(
  graph: Graph,
  pasts: readonly KeysAndValues[],
  added: readonly KeysAndValues[],
  { keyValueHeads, headSize }: CacheSizes,
): void {
  const shape = ['batch', keyValueHeads, 'total_length', headSize];
  for (const [i, past] of pasts.entries()) {
    for (const part of ['key', 'value'] as const) {
      graph.output(Concat([past[part], added[i][part]], { axis: 2 }), `present.${i}.${part}`, shape);
    }
  }
}
