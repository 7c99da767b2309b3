import { describe, expect, it } from 'vitest';
import {
  emptyPast,
  float32,
  int64,
  largestDifference,
  networkGraph,
  numbers,
  oracle,
  sessionOf,
} from './networks.js';

const { dimensions, inputIds, sigma } = oracle;
const batch = inputIds.length;
const length = inputIds[0].length;
const cachedInputs = {
  attention_mask: int64(inputIds.map((row) => row.map(() => 1))),
  position_ids: int64(inputIds.map((row) => row.map((_, i) => i))),
  ...emptyPast(dimensions, batch),
};

describe.each([
  ['fused', true],
  ['plain', false],
])('in its %s form', (_name, fused) => {
  it.each([
    ['dit', { sigma: float32(sigma, [batch]) }, oracle.dit],
    ['causal', {}, oracle.causal],
    ['cached', cachedInputs, oracle.causal],
  ] as const)(
    'the %s network gives the logits of an independent implementation',
    async (form, inputs, expected) => {
      const network = await sessionOf(await networkGraph(form, dimensions, { fused }));
      const { logits } = await network.run({ input_ids: int64(inputIds), ...inputs });
      expect(logits.dims).toEqual([batch, length, dimensions.vocabSize]);
      expect(largestDifference(numbers(logits), expected.flat(2))).toBeLessThan(1e-5);
    },
  );
});
