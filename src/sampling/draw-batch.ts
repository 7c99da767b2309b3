/** The inputs of one call of a draw session: some samples of a request, and the inputs of the draw head. */
import { DRAW } from '../diffusion/heads/draw.js';
import { paddedRows } from '../diffusion/heads/head.js';
import type { Feeds } from '../models/feeds.js';
import { splitUniforms } from '../random/uniforms.js';
import type { DenoiserRequest } from '../samplers/sampler.js';

/** Samples of one call, filled up to the graph's fixed batch and length. */
export interface Part {
  tokens: Int32Array;
  uniforms: Float64Array | null;
  /** 1 for a token whose draw is needed; null: all. */
  where: Uint8Array | null;
  batch: number;
  length: number;
}

/** What the inputs of the draw head are made from. */
export interface HeadInputs {
  part: Part;
  /** Indices into the part's tokens to draw at; null for ar, whose head draws at all. */
  at: Int32Array | null;
  double: boolean;
  /** Null where the head has no temperature. */
  inverseTemperature: number | null;
}

export function headFeeds({ part, at, double, inverseTemperature }: HeadInputs): Feeds {
  const count = at ? paddedRows(at.length) : part.tokens.length;
  const dims = at ? [count] : [part.batch, part.length];
  const uniforms = new Float64Array(count);
  if (part.uniforms) {
    if (at) for (let r = 0; r < count; r++) uniforms[r] = part.uniforms[at[r % at.length]];
    else uniforms.set(part.uniforms);
  }
  const feeds: Feeds = {
    ...uniformFeeds(uniforms, dims, double),
    [DRAW.greedy]: { type: 'bool', data: Uint8Array.of(Number(part.uniforms === null)), dims: [] },
  };
  if (inverseTemperature !== null) {
    const data = Float32Array.of(inverseTemperature);
    feeds[DRAW.inverseTemperature] = { type: 'float32', data, dims: [] };
  }
  if (at) {
    const rows = new BigInt64Array(2 * count);
    for (let r = 0; r < count; r++) {
      const place = at[r % at.length];
      rows[2 * r] = BigInt(Math.floor(place / part.length));
      rows[2 * r + 1] = BigInt(place % part.length);
    }
    feeds[DRAW.rows] = { type: 'int64', data: rows, dims: [count, 2] };
  }
  return feeds;
}

/** Samples [from, to), with the last repeated until a fixed batch is full. */
export function partOf(
  request: DenoiserRequest,
  from: number,
  to: number,
  fixedBatch: number | null,
  length: number,
): Part {
  const batch = fixedBatch ?? to - from;
  const fill = <T extends Int32Array | Float64Array | Uint8Array>(target: T, source: T): T => {
    for (let b = 0; b < batch; b++) {
      const sample = Math.min(from + b, to - 1);
      const start = sample * request.length;
      target.set(source.subarray(start, start + request.length), b * length);
    }
    return target;
  };
  return {
    tokens: fill(new Int32Array(batch * length), request.tokens),
    uniforms: request.uniforms && fill(new Float64Array(batch * length), request.uniforms),
    where: request.where ? fill(new Uint8Array(batch * length), request.where) : null,
    batch,
    length,
  };
}

/**
 * Places of a part that are drawn at: of a masked family its masks, of others all; of these, the ones that are asked for. Where none
 * is, the first stands for the call.
 */
export function drawnPlaces(
  { tokens, where }: Pick<Part, 'tokens' | 'where'>,
  mask: number | null,
): Int32Array {
  const places: number[] = [];
  let first = -1;
  for (let i = 0; i < tokens.length; i++) {
    if (mask !== null && tokens[i] !== mask) continue;
    if (first < 0) first = i;
    if (where === null || where[i] === 1) places.push(i);
  }
  return Int32Array.from(places.length > 0 || first < 0 ? places : [first]);
}

/** The draw's uniform numbers: one in float64, or two in float32, one per level of the draw. */
export function uniformFeeds(uniforms: Float64Array, dims: readonly number[], double: boolean): Feeds {
  if (double) return { [DRAW.uniforms]: { type: 'float64', data: uniforms, dims } };
  const { coarse, fine } = splitUniforms(uniforms);
  return {
    [DRAW.uniforms]: { type: 'float32', data: coarse, dims },
    [DRAW.fineUniforms]: { type: 'float32', data: fine, dims },
  };
}
