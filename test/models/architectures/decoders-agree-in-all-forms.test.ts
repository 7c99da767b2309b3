/** About src/models/architectures/decoder.ts and src/models/architectures/decoder-dimensions.ts */
import { describe, expect, it } from 'vitest';
import { decoderGraph } from '../../../src/models/architectures/decoder.js';
import type { DecoderDimensions } from '../../../src/models/architectures/decoder-dimensions.js';
import { decoder, emptyDecoderPast, inSteps, kinds } from './decoders.js';
import { int64, largestDifference, numbers } from './networks.js';

const ids = [5, 0, 12, 7, 7, 3, 9, 1, 11, 2];
const whole = async (dimensions: DecoderDimensions, tokens = ids, fused = true) => {
  const network = await decoder(dimensions, { fused, cached: false });
  return numbers((await network.run({ input_ids: int64([tokens]) })).logits);
};

describe.each(Object.entries(kinds))('a decoder like %s', (_name, dimensions) => {
  const { vocabSize: V } = dimensions;

  it.each([[[10]], [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]], [[4, 1, 5]]])(
    'reads in steps of %j with cached keys and values what it reads at once',
    async (steps) => {
      const expected = await whole(dimensions);
      for (const fused of [true, false]) {
        const network = await decoder(dimensions, { fused });
        expect(largestDifference(await inSteps(network, dimensions, ids, steps), expected)).toBeLessThan(
          1e-5,
        );
      }
    },
  );

  it.each(['causal', 'full'] as const)('with %s attention is the same fused and plain', async (attention) => {
    const form = { ...dimensions, attention };
    expect(largestDifference(await whole(form), await whole(form, ids, false))).toBeLessThan(1e-5);
  });

  it('with causal attention knows no later token, and with full attention every one', async () => {
    const changed = ids.with(-1, 8);
    const differences = async (attention: 'causal' | 'full') => {
      const form = { ...dimensions, attention };
      const [a, b] = [await whole(form), await whole(form, changed)];
      return ids.map((_, l) => largestDifference(a.slice(l * V, (l + 1) * V), b.slice(l * V, (l + 1) * V)));
    };
    expect((await differences('causal')).slice(0, -1)).toEqual(Array(9).fill(0));
    expect(Math.min(...(await differences('full')))).toBeGreaterThan(1e-3);
  });

  it('that is shifted has the logits of each token in the row after it', async () => {
    const full = { ...dimensions, attention: 'full' as const };
    const [plain, shifted] = [await whole(full), await whole({ ...full, shift: true })];
    const expected = [...plain.slice(0, V), ...plain.slice(0, -V)];
    expect(largestDifference(shifted, expected)).toBeLessThan(1e-6);
  });

  it('in blocks of one is causal for clean tokens, and one block of noisy tokens sees all of them', async () => {
    const feeds = {
      ...emptyDecoderPast(dimensions, 1),
      input_ids: int64([ids]),
      position_ids: int64([ids.map((_, i) => i)]),
    };
    const clean = await decoder({ ...dimensions, attention: { blockCausal: 1 } });
    const { logits } = await clean.run({ ...feeds, token_type_ids: int64([ids.map(() => 1)]) });
    expect(largestDifference(numbers(logits), await whole(dimensions))).toBeLessThan(1e-5);
    const noisy = await decoder({ ...dimensions, attention: { blockCausal: 16 } });
    const of = await noisy.run({ ...feeds, token_type_ids: int64([ids.map(() => 0)]) });
    const full = await whole({ ...dimensions, attention: 'full' });
    expect(largestDifference(numbers(of.logits), full)).toBeLessThan(1e-5);
  });

  it('in blocks reads a block after cached clean ones as it reads it beside them', async () => {
    const network = await decoder({ ...dimensions, attention: { blockCausal: 4 } });
    const run = (noisy: number[], from: number, cleanTokens: number[], past: object) =>
      network.run({
        input_ids: int64([[...noisy, ...cleanTokens]]),
        position_ids: int64([[...noisy.map((_, i) => from + i), ...cleanTokens.map((_, i) => i)]]),
        token_type_ids: int64([[...noisy.map(() => 0), ...cleanTokens.map(() => 1)]]),
        ...past,
      });
    const [clean, noisy] = [ids.slice(0, 4), ids.slice(4, 8)];
    const empty = emptyDecoderPast(dimensions, 1);
    const beside = await run(noisy, 4, clean, empty);
    const { logits: _, ...presents } = await run([], 0, clean, empty);
    const past = Object.fromEntries(
      Object.entries(presents).map(([name, tensor]) => [name.replace('present', 'past_key_values'), tensor]),
    );
    const after = await run(noisy, 4, [], past);
    expect(largestDifference(numbers(after.logits), numbers(beside.logits).subarray(0, 4 * V))).toBeLessThan(
      1e-5,
    );
  });
});

it.each(Object.entries(kinds))(
  'a decoder like %s is trained in blocks on what it reads in them',
  async (_name, dimensions) => {
    const form = { ...dimensions, attention: { blockCausal: 4 }, length: 8 };
    const [noisy, clean] = [ids.slice(0, 8), ids.slice(2, 10)];
    const training = await decoder(form, { cached: false });
    const at = await training.run({ input_ids: int64([noisy]), clean_ids: int64([clean]) });
    const checkpoint = await decoder(form);
    const places = noisy.map((_, i) => i);
    const read = await checkpoint.run({
      ...emptyDecoderPast(form, 1),
      input_ids: int64([[...noisy, ...clean]]),
      position_ids: int64([[...places, ...places]]),
      token_type_ids: int64([[...places.map(() => 0), ...places.map(() => 1)]]),
    });
    expect(largestDifference(numbers(at.logits), numbers(read.logits))).toBeLessThan(1e-5);
  },
);

describe('a decoder that cannot be', () => {
  const { llama } = kinds;
  it.each<[Partial<DecoderDimensions>, string, RegExp]>([
    [{ keyValueHeads: 4 }, 'heads-do-not-divide', /4 heads of keys and values do not divide 6/],
    [{ headSize: 5 }, 'odd-rotary-size', /width 5, an even number of coordinates can turn, not 5/],
    [{ rotary: { theta: 1e4, turned: 6 } }, 'odd-rotary-size', /not 6/],
    [{ rotary: { theta: 0 } }, 'bad-dimensions', /theta of rotary positions must be above 0/],
    [{ mlpSize: 0 }, 'bad-dimensions', /width of the perceptron of a network must be/],
    [{ shift: true }, 'bad-dimensions', /^Logits are not shifted with causal attention\./],
    [{ tied: true, embeddingRows: 14 }, 'bad-dimensions', /14 rows cannot be that of 13 logits, tied/],
    [
      { attention: { blockCausal: 3 } },
      'blocks-do-not-divide',
      /Blocks of 3 tokens do not divide the length of 16/,
    ],
  ])('%j is refused', (change, code, message) => {
    expect(() => decoderGraph({ ...llama, ...change })).toThrow(
      expect.objectContaining({ code, exitCode: 3, message: expect.stringMatching(message) }),
    );
  });

  it('with more rows of the embedding than logits reads a mask that it cannot predict', async () => {
    const form = { ...llama, embeddingRows: 14, attention: 'full' as const };
    expect(await whole(form, ids.with(3, 13))).toHaveLength(ids.length * 13);
  });
});
