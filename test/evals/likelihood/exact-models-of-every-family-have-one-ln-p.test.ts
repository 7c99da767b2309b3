/** About src/evals/likelihood/scoring-session.ts, src/evals/likelihood/token-scoring.ts, src/evals/likelihood/uniform-scoring.ts */
import { describe, expect, it } from 'vitest';
import type { ScheduleType } from '../../../src/diffusion/schedule.js';
import { exactCheckpoint } from '../../../src/evals/calibration/run.js';
import type { ScoringSettings } from '../../../src/evals/likelihood/scored-questions.js';
import {
  openScoring,
  type ScoreRequest,
  scoreContinuations,
} from '../../../src/evals/likelihood/scoring-session.js';
import { negativeLogProbabilities } from '../../../src/models/sources/markov.js';
import type { SourceFamily } from '../../../src/models/sources/markov-denoiser.js';
import { sum } from '../../../src/statistics/numbers.js';
import { unevenChain } from '../../models/sources/chains.js';

const source = { name: 'chain', chain: unevenChain(5, 3) };
/** Of whole blocks together, for block diffusion. */
const requests: ScoreRequest[] = [
  { context: [0, 3, 1, 1], continuation: [2, 0, 4, 1] },
  { context: [0, 3, 1, 1], continuation: [4, 4, 0, 3] },
  { context: [2, 1], continuation: [0, 1] },
  { context: [2, 1, 0, 0, 1, 3, 2], continuation: [0] },
];

const SCHEDULES: Partial<Record<SourceFamily, ScheduleType | null>> = { ar: null, gidd: 'mixed' };

async function scoresOf(family: SourceFamily, settings: Partial<ScoringSettings> = {}, asked = requests) {
  const checkpoint = exactCheckpoint(
    source,
    family,
    family in SCHEDULES ? (SCHEDULES[family] ?? null) : 'log-linear',
  );
  const session = await openScoring({ checkpoint, provider: 'cpu', threads: 1, ...settings });
  const scores = await scoreContinuations(session, asked);
  await session.close();
  return scores;
}

describe('an exact model', () => {
  const cases = (['mdlm', 'sedd', 'd3pm', 'bd3lm'] as const).flatMap((family) =>
    (['policy', 'evidence', 'bound'] as const).map((method) => [family, method] as const),
  );
  it.each(cases)('of %s has by %s the ln p of the chain rule', async (family, method) => {
    const exact = await scoresOf('ar');
    for (const [i, { logLikelihood }] of (await scoresOf(family, { method })).entries())
      expect(Math.abs(logLikelihood - exact[i].logLikelihood)).toBeLessThan(1e-4);
  });

  // With a clean context they are not exact: they read it as if it were noisy, too.
  it.each(['duo', 'gidd'] as const)(
    'of %s has ln p of a whole text as the mean of its draws',
    async (family) => {
      const texts = [[2, 0, 4, 1], [4, 4], [3]];
      const asked = texts.map((continuation): ScoreRequest => ({ context: [], continuation }));
      for (const [i, { logLikelihood, error }] of (await scoresOf(family, { draws: 512 }, asked)).entries()) {
        const exact = -sum(negativeLogProbabilities(source.chain, texts[i]));
        expect(error).toBeLessThan(0.3);
        expect(Math.abs(logLikelihood - exact)).toBeLessThan(4.5 * error + 1e-3);
      }
    },
  );
});
