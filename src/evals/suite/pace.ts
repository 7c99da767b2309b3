/** How long a model takes for a sequence, from evaluating a few. */
import { LossSession } from '../perplexity/loss-session.js';
import { defaultBatch, zeroShotPerplexity } from '../perplexity/zero-shot-perplexity.js';
import type { OpenedCell, SuiteObserver, SuiteRequest } from './run-suite.js';

/** Seconds a model call, the first batch of which is not counted. */
export async function secondsPerCall(
  { checkpoint, stream, cell }: OpenedCell,
  { provider, threads, timeoutMs }: SuiteRequest,
  { warn, signal }: SuiteObserver,
): Promise<number> {
  const session = await LossSession.start({ checkpoint, provider, threads, timeoutMs, notice: warn });
  try {
    const batch =
      checkpoint.signature.fixedBatch ??
      cell.options.batch ??
      defaultBatch(stream.length, checkpoint.vocabSize);
    const evaluate = (count: number) =>
      zeroShotPerplexity(
        session,
        stream,
        {
          ...cell.options,
          draws: 1,
          until: null,
          sequences: false,
          estimator: 'plain',
          selection: { kind: 'first', count },
        },
        { signal },
      );
    (await evaluate(batch)).losses.close();
    const measured = await evaluate(2 * batch);
    measured.losses.close();
    return measured.wallSeconds / Math.max(1, measured.sequences);
  } finally {
    await session.close();
  }
}
