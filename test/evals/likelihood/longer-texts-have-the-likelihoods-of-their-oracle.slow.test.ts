/**
 * Continuations of 8 to 12 tokens, whole texts of 8 and sentences of BLiMP against oracles C, D and F: up to 4,095 calls each.
 * About src/evals/likelihood/
 */
import { describe, expect, it } from 'vitest';
import { conditionalLikelihood } from '../../../src/library/likelihood.js';
import { sharedIsThere, sharedModel, whyNot } from '../../end-to-end/shared.js';
import { distance, type Exact, networkOf, oracle, sharedOracle } from './likelihood-oracle.js';

const TOLERANCE = 1e-4;

interface LongerCase extends Exact {
  network: string;
  tail: number[];
  context: number[];
  continuation: number[];
  sdLn: number;
  relSd: number;
  tubeElbo: number;
}

const longer: LongerCase[] = oracle('C-longer').exact;
const networks = [...new Set(longer.map(({ network }) => network))];

describe.each(networks)('8 to 12 tokens under %s', (network) => {
  const model = networkOf(network);
  const cases = longer.filter((one) => one.network === network);
  it('evidence, bound and orders', async () => {
    const prompts = cases.map(({ context, continuation, tail }) => ({ context, continuation, tail }));
    const records = await conditionalLikelihood({ model, prompts, psi: 'bound' });
    for (const [i, record] of records.entries()) {
      const expected = cases[i];
      expect(distance(record, expected)).toBeLessThan(TOLERANCE);
      expect(Math.abs(record.sdOfLog! - expected.sdLn)).toBeLessThan(TOLERANCE);
      expect(Math.abs(record.relativeSd! - expected.relSd) / (1 + expected.relSd)).toBeLessThan(TOLERANCE);
      const scale = Math.max(1, Math.abs(expected.tubeElbo));
      expect(Math.abs(record.upperBound!.value! - expected.tubeElbo) / scale).toBeLessThan(TOLERANCE);
      expect(record.best?.order).toEqual(expected.bestOrder);
      expect(record.worst?.order).toEqual(expected.worstOrder);
    }
  });
});

interface WholeText {
  input_ids: number[];
  nelbo: number;
  leftToRightNll: number;
  lossOfMask: number[];
}

const whole: { network: string; exactL8: WholeText[] }[] = oracle('D-masks').networks;

describe.each(whole)('texts of 8 tokens without context under $network', ({ network, exactL8 }) => {
  const model = networkOf(network);
  it('the bound is that of exact-count masks', async () => {
    const prompts = exactL8.map(({ input_ids }) => ({ continuation: input_ids }));
    const records = await conditionalLikelihood({ model, prompts, bySubset: true });
    for (const [i, { bound, leftToRight, bySubset }] of records.entries()) {
      const { nelbo, leftToRightNll, lossOfMask } = exactL8[i];
      expect(Math.abs(bound + nelbo)).toBeLessThan(TOLERANCE);
      expect(Math.abs(leftToRight + leftToRightNll)).toBeLessThan(TOLERANCE);
      for (const [s, loss] of lossOfMask.entries()) {
        // Bit l of the oracle's mask: position l is masked.
        const revealed = 255 - (s + 1);
        const total = bySubset![revealed].reduce<number>((sum, value) => sum - (value ?? 0), 0);
        expect(Math.abs(total - loss)).toBeLessThan(TOLERANCE);
      }
    }
  });
});

interface Sentence {
  ids: number[];
  arLnp: number;
  mdlmLeftToRight: number;
  mdlmElbo: number;
  elboExact: boolean;
}

const blimp = sharedOracle('F-blimp');
describe.skipIf(!sharedIsThere || !blimp)(`sentences of BLiMP (${whyNot})`, () => {
  const sentences: Sentence[] = (blimp?.groups ?? []).flatMap((group: { items: unknown[] }) =>
    (group.items as { good: Sentence; bad: Sentence }[]).flatMap(({ good, bad }) => [good, bad]),
  );
  const promptsOf = (some: readonly Sentence[]) =>
    some.map(({ ids }) => ({ context: [blimp.bos as number], continuation: ids }));

  it('ar: ln p of the whole sentence after BOS', async () => {
    const records = await conditionalLikelihood({ model: sharedModel('ar'), prompts: promptsOf(sentences) });
    for (const [i, { evidence, bound, leftToRight }] of records.entries()) {
      expect(Math.abs(evidence - sentences[i].arLnp)).toBeLessThan(TOLERANCE);
      expect([bound, leftToRight]).toEqual([evidence, evidence]);
    }
  });

  it('mdlm: left to right, and the exact bound, up to 12 tokens', async () => {
    const short = sentences.filter(({ ids }) => ids.length <= 12);
    const records = await conditionalLikelihood({ model: sharedModel('mdlm'), prompts: promptsOf(short) });
    for (const [i, { leftToRight, bound }] of records.entries()) {
      expect(Math.abs(leftToRight - short[i].mdlmLeftToRight)).toBeLessThan(TOLERANCE);
      if (short[i].elboExact) expect(Math.abs(bound - short[i].mdlmElbo)).toBeLessThan(TOLERANCE);
    }
  });
});
