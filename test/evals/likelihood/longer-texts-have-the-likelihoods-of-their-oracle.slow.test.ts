/**
 * Continuations of 8 to 12 tokens, whole texts of 8 and sentences of BLiMP against oracles C, D and F: up to 4,095 calls each.
 * About src/evals/likelihood/
 */
import { describe, expect, it } from 'vitest';
import { conditionalLikelihood } from '../../../src/library/likelihood.js';
import { sharedIsThere, sharedModel, whyNot } from '../../end-to-end/shared.js';
import { distance, type Exact, networkOf, off, oracle, sharedOracle } from './likelihood-oracle.js';

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

/** All of 8 tokens, half of 10, one of 12 for each network. */
const seen = new Map<string, number>();
const longer = (oracle('C-longer').exact as LongerCase[]).filter(({ network, continuation: { length } }) => {
  const key = `${network} ${length}`;
  seen.set(key, (seen.get(key) ?? 0) + 1);
  return (seen.get(key) ?? 0) <= ({ 8: 8, 10: 4 }[length] ?? 1);
});
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
      expect(off(record.sdOfLog, expected.sdLn)).toBeLessThan(TOLERANCE);
      expect(off(record.relativeSd, expected.relSd) / (1 + expected.relSd)).toBeLessThan(TOLERANCE);
      const scale = Math.max(1, Math.abs(expected.tubeElbo));
      expect(off(record.upperBound?.value, expected.tubeElbo) / scale).toBeLessThan(TOLERANCE);
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
      expect(off(bound, -nelbo)).toBeLessThan(TOLERANCE);
      expect(off(leftToRight, -leftToRightNll)).toBeLessThan(TOLERANCE);
      for (const [s, loss] of lossOfMask.entries()) {
        // Bit l of the oracle's mask: position l is masked.
        const revealed = 255 - (s + 1);
        const total = (bySubset?.[revealed] ?? []).reduce<number>((sum, value) => sum - (value ?? 0), 0);
        expect(Math.abs(total - loss)).toBeLessThan(TOLERANCE);
      }
    }
  });
});

interface Sentence {
  ids: number[];
  arLnp: number;
  mdlmLeftToRight: number;
  mdlmLeftToRightEosGiven: number;
  mdlmElbo: number;
  mdlmElboSe: number;
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
      expect(off(evidence, sentences[i].arLnp)).toBeLessThan(TOLERANCE);
      expect([bound, leftToRight]).toEqual([evidence, evidence]);
    }
  });

  it('mdlm: left to right, of any length', async () => {
    const records = await conditionalLikelihood({
      ...{ model: sharedModel('mdlm'), prompts: promptsOf(sentences), subsetsUpTo: 0 },
      longer: { method: 'policy', policy: 'left-to-right' },
    });
    for (const [i, { leftToRight, policy, modelCalls }] of records.entries()) {
      expect(off(leftToRight, sentences[i].mdlmLeftToRight)).toBeLessThan(TOLERANCE);
      expect(policy?.value).toBe(leftToRight);
      expect(modelCalls).toBe(sentences[i].ids.length);
    }
  });

  it('mdlm: left to right before one EOS', async () => {
    const records = await conditionalLikelihood({
      ...{ model: sharedModel('mdlm'), subsetsUpTo: 0, tail: [blimp.bos as number] },
      prompts: promptsOf(sentences),
      longer: { method: 'policy', policy: 'left-to-right' },
    });
    for (const [i, { leftToRight }] of records.entries())
      expect(off(leftToRight, sentences[i].mdlmLeftToRightEosGiven)).toBeLessThan(TOLERANCE);
  });

  it('mdlm: the bound, exactly up to 12 tokens, else by draws within 4 of their errors', async () => {
    const records = await conditionalLikelihood({
      ...{ model: sharedModel('mdlm'), prompts: promptsOf(sentences) },
      longer: { method: 'exact-count', draws: 256 },
    });
    for (const [i, { bound, boundStderr }] of records.entries()) {
      const { mdlmElbo, mdlmElboSe } = sentences[i];
      const error = Math.hypot(boundStderr ?? Number.NaN, mdlmElboSe);
      expect(off(bound, mdlmElbo)).toBeLessThan(4 * error + TOLERANCE);
    }
  });
});
