import { fileURLToPath } from 'node:url';
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/models/checkpoint.js';
import { startDrawSession } from '../../src/sampling/draw-session.js';
import { inverse } from '../diffusion/drawn-from.js';

const LENGTH = 12;
const SIGMA = 0.7;

/** x_θ in float64 from the network's own logits, position after position. */
async function distributions(path: string, tokens: Int32Array, mask: number | null, conditioned: boolean) {
  const session = await ort.InferenceSession.create(path);
  const feeds: Record<string, ort.Tensor> = {
    input_ids: new ort.Tensor('int64', BigInt64Array.from(tokens, BigInt), [1, LENGTH]),
  };
  if (session.inputNames.includes('sigma')) {
    feeds.sigma = new ort.Tensor('float32', Float32Array.of(conditioned ? SIGMA : 0), [1]);
  }
  const { logits } = await session.run(feeds);
  await session.release();
  const K = logits.dims[2];
  return Array.from({ length: LENGTH }, (_, l) => {
    const weights = Array.from((logits.data as Float32Array).subarray(l * K, (l + 1) * K), (f, v) =>
      v === mask ? 0 : Math.exp(f),
    );
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((w) => w / sum);
  });
}

describe.each(['ar', 'mdlm', 'duo'] as const)('%s', (family) => {
  it('draws by the inverse of the cumulative sum, and says x_θ of the draw and of the present token', async () => {
    const path = fileURLToPath(new URL(`../../fixtures/markov-${family}.onnx`, import.meta.url));
    const checkpoint = await openCheckpoint(path);
    const mask = family === 'mdlm' ? checkpoint.fields.maskTokenId.value! : null;
    const isDrawn = (l: number) => mask === null || l % 2 === 0;
    const tokens = Int32Array.from({ length: LENGTH }, (_, l) =>
      mask !== null && isDrawn(l) ? mask : 97 + ((l * 5) % 26),
    );
    const uniforms = Float64Array.from({ length: LENGTH }, (_, l) => (l + 0.5) / LENGTH);
    const session = await startDrawSession({ checkpoint, provider: 'cpu', threads: 1 });
    const request = { tokens, batch: 1, length: LENGTH, sigma: SIGMA };
    const drawn = await session.denoise({ ...request, uniforms });
    const greedy = await session.denoise({ ...request, uniforms: null });
    expect(session.runSeconds).toBeGreaterThan(0);
    await session.close();

    const conditioned = checkpoint.fields.timeConditioning.value;
    for (const [l, x] of (await distributions(path, tokens, mask, conditioned)).entries()) {
      if (!isDrawn(l)) continue;
      const token = inverse(x, uniforms[l]);
      expect(drawn.token[l]).toBe(token);
      expect(Math.abs(drawn.probability[l] / x[token] - 1)).toBeLessThan(1e-5);
      const largest = Math.max(...x);
      expect(Math.abs(x[greedy.token[l]] / largest - 1)).toBeLessThan(1e-6);
      expect(Math.abs(greedy.probability[l] / largest - 1)).toBeLessThan(1e-5);
      if (family === 'duo') {
        for (const { present } of [drawn, greedy]) {
          expect(Math.abs(present![l] / x[tokens[l]] - 1)).toBeLessThan(1e-5);
        }
      } else {
        expect(drawn.present).toBeNull();
      }
    }
  });
});
