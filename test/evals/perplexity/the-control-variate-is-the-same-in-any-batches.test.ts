/** The same seed gives the same figure to the last bit, however calls are batched, answered or remembered. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLossJournal } from '../../../src/evals/perplexity/loss-journal.js';
import type { LossSource } from '../../../src/evals/perplexity/loss-source.js';
import { zeroShotPerplexity } from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { temporaryFolder } from '../../support/folder.js';
import { chainSession, chainStream, options } from './chain-session.js';

let folder: string;
const before = process.env.DUO_EVAL_CACHE;
beforeEach(() => {
  folder = temporaryFolder().root;
  process.env.DUO_EVAL_CACHE = folder;
});
afterEach(() => {
  if (before === undefined) delete process.env.DUO_EVAL_CACHE;
  else process.env.DUO_EVAL_CACHE = before;
});

it.each(['mdlm', 'sedd', 'duo'] as const)('%s: batches of 1, 4 and 19', async (family) => {
  const session = await chainSession(family);
  try {
    const figures: number[] = [];
    for (const batch of [1, 4, 19]) {
      const { metrics } = await zeroShotPerplexity(session, chainStream(19), { ...options, draws: 3, batch });
      figures.push(metrics.nll.value!);
    }
    expect(new Set(figures).size).toBe(1);
  } finally {
    await session.close();
  }
});

it.each(['mdlm', 'duo'] as const)('%s: stopped in its second pass and continued', async (family) => {
  const session = await chainSession(family);
  const stream = chainStream(19);
  const asked = { ...options, draws: 3, batch: 4 };
  const key = { family };
  try {
    const unbroken = await zeroShotPerplexity(session, stream, asked);
    let left = 8;
    const breaking: LossSource = {
      checkpoint: session.checkpoint,
      losses(calls, model) {
        if (left-- === 0) throw new Error('power cut');
        return session.losses(calls, model);
      },
    };
    const first = await openLossJournal(breaking, key, { sequences: 19, fresh: false });
    await expect(zeroShotPerplexity(first, stream, asked)).rejects.toThrow('power cut');
    first.close();
    const second = await openLossJournal(session, key, { sequences: 19, fresh: false });
    expect(second.resumed).toBeGreaterThan(19);
    const continued = await zeroShotPerplexity(second, stream, asked);
    second.finish();
    expect(continued.metrics).toEqual(unbroken.metrics);
    const textNats = ({ losses }: typeof continued) =>
      Float64Array.from({ length: 19 }, (_, i) => losses.textNats.at(i)!);
    expect(textNats(continued)).toEqual(textNats(unbroken));
  } finally {
    await session.close();
  }
});
