import { describe, expect, it } from 'vitest';
import { type CheckpointOverrides, checkpointOfGraph } from '../../src/models/checkpoint.js';
import { type DrawSessionOptions, startDrawSession } from '../../src/sampling/draw-session.js';
import { type NetworkShape, smallNetwork } from '../graph/small-network.js';

const VOCABULARY = 32;
const LENGTH = 6;
const ids = (batch: number, length = LENGTH) =>
  Int32Array.from({ length: batch * length }, (_, i) => (i * 7) % VOCABULARY);
const uniforms = (count: number) => Float64Array.from({ length: count }, (_, i) => (i * 0.618034) % 1);

function checkpoint(family: 'ar' | 'duo', shape: NetworkShape, fields: CheckpointOverrides = {}) {
  return checkpointOfGraph(smallNetwork({ vocabSize: VOCABULARY, ...shape }), { family, ...fields }, 'small');
}

async function drawn(options: Omit<DrawSessionOptions, 'provider'>, batch: number, length = LENGTH) {
  const session = await startDrawSession({ provider: 'cpu', threads: 1, ...options });
  const tokens = ids(batch, length);
  const request = { tokens, batch, length, sigma: 0.5, uniforms: uniforms(batch * length) };
  return session.denoise(request).finally(() => session.close());
}

describe('a graph of fixed shape', () => {
  it('is called as often as its batch needs, and fills the last call', async () => {
    const free = await drawn({ checkpoint: checkpoint('duo', {}) }, 5);
    const fixed = await drawn({ checkpoint: checkpoint('duo', { batch: 2, length: LENGTH }) }, 5);
    expect(fixed).toEqual(free);
    expect(new Set(free.token).size).toBeGreaterThan(3);
  });

  it('takes shorter texts where what follows has no influence', async () => {
    const longer = { length: LENGTH + 3 };
    const fixed = await drawn({ checkpoint: checkpoint('ar', longer) }, 2);
    expect(fixed).toEqual(await drawn({ checkpoint: checkpoint('ar', {}) }, 2));
    await expect(drawn({ checkpoint: checkpoint('duo', longer) }, 2)).rejects.toMatchObject({
      code: 'fixed-length',
      hint: expect.stringContaining('--length 9'),
    });
  });
});
