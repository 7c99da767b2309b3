/**
 * About src/models/importers/llama-diffusion.ts, llada.ts, smdm.ts, gpt2.ts and src/models/architectures/gpt2.ts: the layouts in which
 * masked diffusion models are published, against logits of independent implementations.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PolicyNetwork } from '../../../src/evals/perplexity/policy-network.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { converted, largestDifference, logitsOf, maskedLosses } from './published.js';

const oracles = fileURLToPath(new URL('../../../../shared/oracles/models/', import.meta.url));
const missing = existsSync(oracles) ? '' : ' (skipped: ../shared/oracles is not there)';

interface Oracle {
  mask_token_id: number;
  inputs: { input_ids: number[][]; x_0: number[][] };
  logits: number[][][];
  masked_nll?: number[][];
  masked_nll_after_shift?: number[][];
  chain_rule?: { prefix: number[]; target: number[]; log_prob_per_target_token: number[]; sum: number };
}
const oracleOf = (name: string): Oracle =>
  JSON.parse(readFileSync(join(oracles, name, 'expected.json'), 'utf8'));

/** [0, 0, 1, …]: the rows of the original for each token. */
const oneLater = (rows: number[][]): number[][] => [rows[0], ...rows.slice(0, -1)];

describe.skipIf(missing)(`the oracle of${missing}`, () => {
  it.each([
    ['a2d-qwen3', { tied: true, queryKeyNorm: true, headSize: 12, attention: 'full' }, false],
    ['dream', { tied: false, biases: { qkv: true }, shift: true, attention: 'full' }, true],
    ['llada', { heads: 5, rotary: { theta: 500_000 }, attention: 'full' }, false],
    ['smdm-mdm', { embeddingRows: 97, rotary: { bfloat16: true }, attention: 'full' }, false],
    ['diffugpt', { name: 'gpt2', shift: true, attention: 'full' }, true],
  ])('%s has its logits and its losses', async (name, architecture, shift) => {
    const oracle = oracleOf(name);
    const mask = oracle.mask_token_id;
    // The files of two of them do not say which token the mask is; that of dllm's is its tokenizer's.
    const flags = name === 'a2d-qwen3' || name === 'diffugpt' ? { maskTokenId: mask } : {};
    const { path, card } = await converted(join(oracles, name), { overrides: flags });
    expect(card).toMatchObject({ family: 'mdlm', maskTokenId: mask, architecture });
    expect(card.neverMasked).toEqual(shift ? [0] : undefined);
    const { input_ids: ids, x_0: clean } = oracle.inputs;
    const expected = shift ? oracle.logits.map(oneLater) : oracle.logits;
    expect(largestDifference(await logitsOf(path, { ids }), expected)).toBeLessThan(1e-4);

    // The references keep the mask among what a token can be, and text cannot be it: their loss less ln(1 − p(mask)) is ours.
    const due = (oracle.masked_nll ?? oracle.masked_nll_after_shift ?? []).map((row, b) =>
      row.map((nll, l) => {
        if (ids[b][l] !== mask) return 0;
        const logits = expected[b][l];
        const most = Math.max(...logits);
        const of = (some: number[]) => some.reduce((sum, f) => sum + Math.exp(f - most), 0);
        return nll + Math.log(of(logits.filter((_, v) => v !== mask)) / of(logits));
      }),
    );
    const losses = await maskedLosses(path, { noisy: ids, clean, oneMinusAlpha: ids.map(() => 1) });
    for (const [b, row] of losses.entries())
      for (const [l, loss] of row.entries()) expect(Math.abs(loss - due[b][l])).toBeLessThan(1e-4);
    expect(due.flat().filter((nll) => nll > 0).length).toBeGreaterThan(10);
  });

  it('smdm-mdm has its chain rule, from left to right', async () => {
    const { chain_rule: rule, mask_token_id: mask } = oracleOf('smdm-mdm');
    if (!rule) throw new Error('the oracle has no chain rule');
    const { path } = await converted(join(oracles, 'smdm-mdm'));
    const model = await PolicyNetwork.start(
      { checkpoint: await openCheckpoint(path), provider: 'cpu', threads: 1 },
      'left-to-right',
    );
    const x = Int32Array.from([...rule.prefix, ...rule.target]);
    const questions = rule.target.map((target, i) => {
      const position = rule.prefix.length + i;
      const tokens = x.map((token, l) => (l < position ? token : mask));
      return { tokens, x, positions: [position], targets: [target], left: rule.target.length - i };
    });
    const answers = await model.ask(questions, 'chain rule');
    await model.close();
    for (const [i, { logProbability }] of answers.entries())
      expect(Math.abs(logProbability[0] - rule.log_prob_per_target_token[i])).toBeLessThan(1e-4);
  });
});
