import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { noiseSchedule } from '../../src/diffusion/schedule.js';
import { arLoss, duoLoss, mdlmLoss, seddLoss } from './scalar-losses.js';

interface Case {
  family: 'ar' | 'mdlm' | 'sedd' | 'duo';
  vocab_size: number;
  t: number[];
  dalpha: number[];
  logits: number[][][];
  x0: number[][];
  xt: number[][];
  nll: number[][];
  mask_token_id: number;
}

const oracle = new URL('../oracles/duo-reference.json', import.meta.url);
const cases: Case[] = JSON.parse(readFileSync(oracle, 'utf8')).nll_and_posterior;
const schedule = noiseSchedule({ type: 'log-linear' });

describe('beside the reference implementation', () => {
  it.each(cases)('$family with $vocab_size tokens: every nll to 1e-4 relative', (row) => {
    row.nll.forEach((nlls, b) => {
      const level = { alpha: schedule.alpha(row.t[b]), oneMinusAlpha: schedule.oneMinusAlpha(row.t[b]) };
      nlls.forEach((nll, l) => {
        const logits = row.logits[b][l];
        const [x, z] = [row.x0[b][l], row.xt[b][l]];
        const loss = {
          ar: () => arLoss(logits, row.x0[b][l + 1]),
          mdlm: () => -row.dalpha[b] * mdlmLoss(logits, x, z, level, row.mask_token_id),
          sedd: () => -row.dalpha[b] * seddLoss(logits, x, z, level, row.mask_token_id),
          duo: () => -row.dalpha[b] * duoLoss(logits, x, z, level),
        }[row.family]();
        expect(Math.abs(loss - nll)).toBeLessThanOrEqual(1e-4 * Math.abs(nll));
      });
    });
  });
});
