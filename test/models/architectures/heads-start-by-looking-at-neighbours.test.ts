import { describe, expect, it } from 'vitest';
import { elementCount, networkParameters } from '../../../src/models/architectures/parameters.js';
import { randomWeights } from '../../../src/models/weights/random-weights.js';

async function weight(name: string, dimensions: typeof small, { zeroed = true, adaLN = true } = {}) {
  const parameter = networkParameters(dimensions, { adaLN }).find((one) => one.name === name)!;
  const all = new Float32Array(elementCount(parameter));
  let at = 0;
  for await (const piece of randomWeights({ seed: 5, zeroed })(parameter)) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

const small = { hiddenSize: 64, conditionSize: 32, blocks: 2, heads: 4, vocabSize: 50, length: 8 };
/** Whose matrix is drawn in many pieces, none of which would end with a row. */
const wide = { ...small, hiddenSize: 1024, heads: 16 };

const same = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);

/** Of every head: the distance that the constant part of attention's input prefers, by the definition of rotary positions. */
async function preferredDistances(dimensions: typeof small): Promise<number[]> {
  const { hiddenSize: d, heads } = dimensions;
  const shift = (await weight('blocks.1.adaLN_modulation.bias', dimensions)).subarray(0, d);
  const matrix = await weight('blocks.1.attn_qkv.weight', dimensions);
  const column = (c: number) => shift.reduce((sum, x, row) => sum + x * matrix[3 * d * row + c]!, 0);
  const half = d / heads / 2;
  const distances = [-4, -3, -2, -1, 0, 1, 2, 3, 4];
  return Array.from({ length: heads }, (_, head) => {
    const scores = distances.map((distance) => {
      let score = 0;
      for (let i = 0; i < half; i++) {
        const angle = distance * 10_000 ** (-i / half);
        const at = 2 * half * head + i;
        const [qa, qb, ka, kb] = [column(at), column(at + half), column(d + at), column(d + at + half)];
        const turned = [
          ka * Math.cos(angle) - kb * Math.sin(angle),
          ka * Math.sin(angle) + kb * Math.cos(angle),
        ];
        score += qa * turned[0]! + qb * turned[1]!;
      }
      return score;
    });
    return distances[scores.indexOf(Math.max(...scores))]!;
  });
}

describe('heads of a denoiser that is trained', () => {
  it.each([
    ['small', small],
    ['of many pieces', wide],
  ])('start by looking one back and one ahead in turn (%s)', async (_, dimensions) => {
    const expected = Array.from({ length: dimensions.heads }, (_, head) => (head % 2 === 0 ? -1 : 1));
    expect(await preferredDistances(dimensions)).toEqual(expected);
  });

  it.each([
    ['small', small],
    ['of many pieces', wide],
  ])(
    'draw keys as ever, and values that do not read the constant coordinates (%s)',
    async (_, dimensions) => {
      const { hiddenSize: d } = dimensions;
      const name = 'blocks.0.attn_qkv.weight';
      const [started, plain] = [
        await weight(name, dimensions),
        await weight(name, dimensions, { zeroed: false }),
      ];
      const count = d / 16;
      for (let row = 0; row < d; row++) {
        const part = (of: Float32Array, which: number) =>
          of.subarray((3 * row + which) * d, (3 * row + which + 1) * d);
        expect(same(part(started, 1), part(plain, 1))).toBe(true);
        if (row < count) expect(part(started, 2).every((value) => value === 0)).toBe(true);
        else expect(same(part(started, 2), part(plain, 2))).toBe(true);
      }
    },
  );

  it('leaves a causal transformer as it was drawn', async () => {
    const name = 'blocks.0.attn_qkv.weight';
    const options = { adaLN: false };
    expect(await weight(name, small, options)).toEqual(
      await weight(name, small, { ...options, zeroed: false }),
    );
  });
});
