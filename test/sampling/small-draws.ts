/** Draws of a small network from fixed tokens and fixed uniform numbers. */
import { type CheckpointOverrides, checkpointOfGraph } from '../../src/models/checkpoint.js';
import { type DrawSessionOptions, startDrawSession } from '../../src/sampling/draw-session.js';
import { type NetworkShape, smallNetwork } from '../graph/small-network.js';

const VOCABULARY = 32;
export const LENGTH = 6;
export const ids = (batch: number, length = LENGTH) =>
  Int32Array.from({ length: batch * length }, (_, i) => (i * 7) % VOCABULARY);
export const uniforms = (count: number) => Float64Array.from({ length: count }, (_, i) => (i * 0.618034) % 1);

export function checkpoint(family: 'ar' | 'duo', shape: NetworkShape, fields: CheckpointOverrides = {}) {
  return checkpointOfGraph(smallNetwork({ vocabSize: VOCABULARY, ...shape }), { family, ...fields }, 'small');
}

export async function drawn(options: Omit<DrawSessionOptions, 'provider'>, batch: number, length = LENGTH) {
  const session = await startDrawSession({ provider: 'cpu', threads: 1, ...options });
  const tokens = ids(batch, length);
  const request = { tokens, batch, length, sigma: 0.5, uniforms: uniforms(batch * length) };
  return session.denoise(request).finally(() => session.close());
}
