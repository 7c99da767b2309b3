/**
 * The exact bound of each block, the chain rule, and policies within blocks, against the reference implementation of block diffusion
 * (test/oracles/models/bd3lm). About src/evals/likelihood/
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { LikelihoodRecord } from '../../../src/evals/likelihood/record.js';
import { conditionalLikelihood } from '../../../src/library/likelihood.js';
import type { Checkpoint } from '../../../src/models/checkpoint.js';
import { blocksCheckpoint, expected } from '../../models/importers/published-blocks.js';
import { temporaryFolder } from '../../support/folder.js';
import { off } from './likelihood-oracle.js';

process.env.DUO_EVAL_CACHE = temporaryFolder().root;

/** Sums over 16 tokens in float32, of logits that agree to 1e-5. */
const TOLERANCE = 1e-4;
const texts: number[][] = expected.inputs.x_0;
let model: Checkpoint;
beforeAll(async () => {
  model = await blocksCheckpoint();
});

describe('a whole text', () => {
  let records: LikelihoodRecord[];
  beforeAll(async () => {
    const prompts = texts.map((continuation) => ({ continuation }));
    records = await conditionalLikelihood({ model, prompts, threads: 1, bySubset: true });
  });

  it('has the bound of the reference, all of it and block by block', async () => {
    for (const [i, { bound, modelCalls, bySubsetOfBlocks }] of records.entries()) {
      expect(off(bound, -expected.exact_nelbo.sum_per_sequence[i])).toBeLessThan(TOLERANCE);
      expect(modelCalls).toBe(4 * 15);
      expect(bySubsetOfBlocks).toHaveLength(4);
    }
    for (const [i, x] of texts.entries()) {
      const blocks = await conditionalLikelihood({
        ...{ model, threads: 1 },
        prompts: [0, 4, 8, 12].map((l) => ({ context: x.slice(0, l), continuation: x.slice(l, l + 4) })),
      });
      for (const [b, { bound, upperBound, evidence }] of blocks.entries()) {
        expect(off(bound, -expected.exact_nelbo.per_block[i][b])).toBeLessThan(TOLERANCE);
        expect(upperBound?.value).toBeGreaterThanOrEqual(evidence ?? Number.NaN);
      }
      const sum = (of: (record: LikelihoodRecord) => number | null | undefined) =>
        blocks.reduce((total, record) => total + (of(record) ?? Number.NaN), 0);
      const whole = records[i];
      expect(
        off(
          whole.evidence,
          sum(({ evidence }) => evidence),
        ),
      ).toBeLessThan(TOLERANCE);
      expect(
        off(
          whole.upperBound?.value,
          sum(({ upperBound }) => upperBound?.value),
        ),
      ).toBeLessThan(TOLERANCE);
      expect(
        off(
          whole.best?.value,
          sum(({ best }) => best?.value),
        ),
      ).toBeLessThan(TOLERANCE);
      expect(whole.best?.order).toEqual(blocks.flatMap(({ best }, b) => best?.order.map((j) => 4 * b + j)));
    }
  });

  it('has the chain rule of the reference from left to right, under the policy too', async () => {
    const byPolicy = await conditionalLikelihood({
      ...{ model, threads: 1, subsetsUpTo: 0, prompts: texts.map((continuation) => ({ continuation })) },
      longer: { method: 'policy', policy: 'left-to-right' },
    });
    for (const [i, { leftToRight }] of records.entries()) {
      expect(off(leftToRight, expected.exact_chain_rule.sum_per_sequence[i])).toBeLessThan(TOLERANCE);
      expect(off(byPolicy[i].policy?.value, expected.exact_chain_rule.sum_per_sequence[i])).toBeLessThan(
        TOLERANCE,
      );
      // All blocks advance together.
      expect(byPolicy[i].modelCalls).toBe(4);
    }
  });
});

it('BOS given: the first block has one unknown token less', async () => {
  const prompts = texts.map((x) => ({ context: x.slice(0, 1), continuation: x.slice(1) }));
  const records = await conditionalLikelihood({ model, prompts, threads: 1 });
  for (const [i, { bound, modelCalls }] of records.entries()) {
    expect(off(bound, -expected.exact_nelbo.sum_per_sequence_ignore_bos[i])).toBeLessThan(TOLERANCE);
    expect(modelCalls).toBe(7 + 3 * 15);
  }
});

it('exact-count masks over several blocks have the bound as their mean', async () => {
  const prompts = texts.map((continuation) => ({ continuation }));
  const drawn = await conditionalLikelihood({
    ...{ model, prompts, threads: 1, subsetsUpTo: 0 },
    longer: { method: 'exact-count', draws: 512 },
  });
  for (const [i, { bound, boundStderr }] of drawn.entries()) {
    expect(boundStderr).toBeGreaterThan(0);
    expect(boundStderr).toBeLessThan(2);
    const error = boundStderr ?? Number.NaN;
    expect(off(bound, -expected.exact_nelbo.sum_per_sequence[i])).toBeLessThan(4 * error);
  }
});
