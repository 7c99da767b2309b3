import { describe, expect, it } from 'vitest';
import { calibrate, checksOf, exactCheckpoint } from '../../../src/evals/calibration/run.js';
import { calibrationSources, drawText } from '../../../src/evals/calibration/sources.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import type { LossSource } from '../../../src/evals/perplexity/loss-source.js';

const size = { estimators: ['control-variate', 'plain'], sequences: 160, draws: 4, seed: 1 } as const;
const chain = calibrationSources.find(({ name }) => name === 'chain')!;

/** The exact model of the chain, its losses changed. */
async function withLosses<T>(
  family: 'ar' | 'mdlm' | 'duo',
  change: (nats: number) => number,
  use: (losses: LossSource) => Promise<T>,
): Promise<T> {
  const checkpoint = exactCheckpoint(chain, family, family === 'ar' ? null : 'log-linear');
  const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
  try {
    return await use({
      checkpoint,
      async losses(calls, model) {
        const losses = await session.losses(calls, model);
        return losses.map((loss) => ({
          ...loss,
          nats: change(loss.nats),
          byToken: loss.byToken?.map((nats) => change(nats)),
        }));
      },
    });
  } finally {
    await session.close();
  }
}

it('every source passes as every family, under both schedules, estimators and protocols', async () => {
  const record = await calibrate({
    ...size,
    families: ['ar', 'mdlm', 'sedd', 'duo'],
    schedules: ['log-linear', 'cosine'],
  });
  const failed = record.checks.filter(({ verdict }) => verdict === 'fail');
  expect(failed).toEqual([]);
  // 4 sources: ar once each, and 3 families by 2 schedules, 2 protocols and 2 estimators.
  expect(record.checks).toHaveLength(4 * (1 + 3 * 2 * 2 * 2));
  // Of independent tokens, two sources, those with the control variate do not count.
  expect(record.notCounted).toBe(2 * 3 * 2 * 2);
  expect(record.passed).toBe(record.checks.length - record.notCounted);
});

describe.each(['ar', 'mdlm', 'duo'] as const)('%s', (family) => {
  const verdicts = (change: (nats: number) => number) =>
    withLosses(family, change, async (losses) =>
      (await checksOf(losses, chain, family, size)).map(({ verdict }) => verdict),
    );

  it('passes as it is', async () => {
    expect(new Set(await verdicts((nats) => nats))).toEqual(new Set(['pass']));
  });

  it('fails with a third more loss, under every estimator and protocol', async () => {
    expect(new Set(await verdicts((nats) => (4 / 3) * nats))).toEqual(new Set(['fail']));
  });

  it('fails without any loss', async () => {
    expect(new Set(await verdicts(() => 0))).toEqual(new Set(['fail']));
  });
});

it('the text is a function of the seed alone', () => {
  const few = drawText(chain, { sequences: 3, length: 32, seed: 5 });
  const many = drawText(chain, { sequences: 9, length: 32, seed: 5 });
  expect(many.slice(0, 3)).toEqual(few);
  expect(drawText(chain, { sequences: 3, length: 32, seed: 6 })).not.toEqual(few);
});
