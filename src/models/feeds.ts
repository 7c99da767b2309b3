/** The inputs of a checkpoint's network for whole sequences: ids, noise level, and the inputs that exporters add. */
import type { Signature, TensorSignature } from './signature.js';

export type TensorType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool';

/** Element types as in the runtime: float16 as its bits in a Uint16Array, bool as 0 and 1 in a Uint8Array. */
export type TensorElements =
  | Float32Array
  | Float64Array
  | Uint16Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Int8Array
  | Uint8Array;

/** A tensor on its way into or out of a session. */
export interface TensorData {
  type: TensorType;
  data: TensorElements;
  dims: readonly number[];
}

export type Feeds = Record<string, TensorData>;

export interface Sequences {
  /** Token ids, [batch × length], row by row. */
  inputIds: BigInt64Array;
  batch: number;
  length: number;
  /** σ = −ln α, one per sequence; null for a model without this input. Zeros for a model trained without time conditioning. */
  sigma: Float32Array | null;
  /** Block diffusion: the first tokens of a row are noisy ones; clean ones follow. */
  noisyWidth?: number;
  /** Positions in the text of the first noisy token and of the first clean one; 0 by default. */
  noisyFrom?: number;
  cleanFrom?: number;
}

/** The network's inputs: attention everywhere, positions from 0, one text, no cached keys and values. */
export function networkFeeds(
  signature: Signature,
  { inputIds, batch, length, sigma, noisyWidth = length, noisyFrom = 0, cleanFrom = 0 }: Sequences,
): Feeds {
  const feeds: Feeds = { input_ids: { type: 'int64', data: inputIds, dims: [batch, length] } };
  if (signature.sigma) {
    feeds.sigma = {
      type: 'float32',
      data: sigma ?? new Float32Array(batch),
      dims: signature.sigma.rank === 2 ? [batch, 1] : [batch],
    };
  }
  if (signature.attentionMask) {
    feeds.attention_mask = fillByPosition(signature.attentionMask, batch, length, () => 1);
  }
  if (signature.positionIds) {
    feeds.position_ids = fillByPosition(signature.positionIds, batch, length, (place) =>
      place < noisyWidth ? noisyFrom + place : cleanFrom + place - noisyWidth,
    );
  }
  if (signature.tokenTypeIds) {
    feeds.token_type_ids = fillByPosition(signature.tokenTypeIds, batch, length, (place) =>
      Number(place >= noisyWidth),
    );
  }
  for (const past of signature.pastKeyValues) {
    const [, heads, , width] = past.shape ?? [];
    const dims = [batch, fixed(heads), 0, fixed(width)];
    feeds[past.name] =
      past.dtype === 'float16'
        ? { type: 'float16', data: new Uint16Array(0), dims }
        : { type: 'float32', data: new Float32Array(0), dims };
  }
  if (signature.useCacheBranch) feeds.use_cache_branch = { type: 'bool', data: Uint8Array.of(0), dims: [1] };
  return feeds;
}

const fixed = (size: number | string | undefined): number => (typeof size === 'number' ? size : 1);

function fillByPosition(
  tensor: TensorSignature,
  batch: number,
  length: number,
  value: (position: number) => number,
): TensorData {
  const values = Array.from({ length: batch * length }, (_, i) => value(i % length));
  return integers((tensor.dtype ?? 'int64') as TensorType, values, [batch, length]);
}

/** Whole numbers as the type an input has: int32, float32, bool (0 and 1), else int64. */
export function integers(type: TensorType, values: readonly number[], dims: readonly number[]): TensorData {
  switch (type) {
    case 'int32':
      return { type, data: Int32Array.from(values), dims };
    case 'float32':
      return { type, data: Float32Array.from(values), dims };
    case 'bool':
      return { type, data: Uint8Array.from(values), dims };
    default:
      return { type: 'int64', data: BigInt64Array.from(values, BigInt), dims };
  }
}
