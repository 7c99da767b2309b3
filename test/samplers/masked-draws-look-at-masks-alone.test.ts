import { expect, it } from 'vitest';
import { checkpointOfGraph } from '../../src/models/checkpoint.js';
import { independentTokens } from '../../src/models/sources/markov.js';
import { markovDenoiser } from '../../src/models/sources/markov-denoiser.js';
import { startDrawSession } from '../../src/sampling/draw-session.js';

const LENGTH = 6;
const uniforms = (count: number) => Float64Array.from({ length: count }, (_, i) => (i * 0.618034) % 1);

it('a sample gets what it gets alone, and the sum of the scores', async () => {
  const chain = independentTokens([0.5, 0.3, 0.15, 0.05]);
  const mask = 4;
  const fields = { family: 'sedd', maskTokenId: mask } as const;
  const model = checkpointOfGraph(markovDenoiser(chain, 'sedd'), fields, 'sedd');
  const session = await startDrawSession({ checkpoint: model, provider: 'cpu', threads: 1 });
  const tokens = Int32Array.from({ length: 4 * LENGTH }, (_, i) => (i < LENGTH ? i % 4 : i % 3 ? mask : 1));
  const us = uniforms(tokens.length);
  const denoise = (from: number, to: number) =>
    session.denoise({
      tokens: tokens.slice(from * LENGTH, to * LENGTH),
      batch: to - from,
      length: LENGTH,
      sigma: 0.7,
      uniforms: us.slice(from * LENGTH, to * LENGTH),
    });
  const whole = await denoise(0, 4);
  for (let s = 0; s < 4; s++) {
    const alone = await denoise(s, s + 1);
    for (const key of ['token', 'probability', 'scoreSum'] as const) {
      expect([...alone[key]!]).toEqual([...whole[key]!.slice(s * LENGTH, (s + 1) * LENGTH)]);
    }
  }
  await session.close();

  const expected = 1 / Math.expm1(0.7); // of a source: its scores are p(v)/(e^σ − 1)
  for (const [i, z] of tokens.entries()) {
    if (z === mask) expect(Math.abs(whole.scoreSum![i] / expected - 1)).toBeLessThan(1e-6);
    else expect(whole.scoreSum![i]).toBe(0);
  }
});
