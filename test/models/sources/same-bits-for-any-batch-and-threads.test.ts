import { describe, expect, it } from 'vitest';
import { markovDenoiser, type SourceFamily } from '../../../src/models/sources/markov-denoiser.js';
import { runnable, unevenChain } from './chains.js';
import { generator } from './generator.js';

const families: SourceFamily[] = ['ar', 'mdlm', 'sedd', 'duo'];

describe.each([257, 64, 5])('a chain of %i tokens', (K) => {
  it.each(families)(
    'has the same bits in %s logits for batches of 1 to 33 and 1 to 3 threads',
    async (family) => {
      const L = 17;
      const N = 33;
      const uniform = generator(K);
      const masked = family === 'mdlm' || family === 'sedd';
      const tokens = Int32Array.from({ length: N * L }, () =>
        masked && uniform() < 0.5 ? K : Math.floor(uniform() * K),
      );
      const sigma = Float32Array.from({ length: N }, () => 10 ** (-6 + 7 * uniform()));
      const graph = markovDenoiser(unevenChain(K, 1), family);
      const alone: Buffer[] = [];
      for (const threads of [1, 2, 3]) {
        const model = await runnable(graph, threads);
        for (const batch of [1, 2, 3, 4, 5, 8, 13, 16, 32, 33]) {
          for (let at = 0; at + batch <= N; at += batch) {
            const logits = await model.logits(
              tokens.subarray(at * L, (at + batch) * L),
              batch,
              family === 'duo' ? sigma.subarray(at, at + batch) : undefined,
            );
            const bits = Buffer.from(logits.buffer, logits.byteOffset, logits.byteLength);
            const size = bits.length / batch;
            for (let i = 0; i < batch; i++) {
              const one = bits.subarray(i * size, (i + 1) * size);
              alone[at + i] ??= one;
              expect(
                alone[at + i].equals(one),
                `sequence ${at + i}, batch ${batch}, ${threads} threads`,
              ).toBe(true);
            }
          }
        }
      }
    },
  );
});
