/**
 * Checks the harness: exact models of sources with known probabilities run through the same code as a checkpoint (head,
 * session, forward process, times, weights, estimator, Monte Carlo error). The estimated loss must equal the closed form
 * within 4 standard errors.
 *
 * Every check compares with −ln p of the evaluated tokens, so only Monte Carlo error separates the two.
 *
 * z is not exactly normal. The plain estimate of the Duo loss under the protocol `duo` has a heavy tail on the right (small t),
 * so with little text both the estimate and its standard error are mostly too low: by simulation |z| ≥ 4 in 3% of such checks
 * with 64 sequences of 4 draws, in none of 160 with 512 of 8. All other checks fail no more often than for a normal z, at either size.
 */
import { packedTokens } from '../../datasets/packed-tokens.js';
import { integration } from '../../diffusion/integration.js';
import { defaultEps, noiseSchedule, type Protocol, type ScheduleType } from '../../diffusion/schedule.js';
import type { Schedule } from '../../models/card.js';
import { type Checkpoint, checkpointOfGraph } from '../../models/checkpoint.js';
import { isInBlocks, isInSteps, isMasked, isMixed, usesMask } from '../../models/family.js';
import { usualSchedule } from '../../models/fields.js';
import type { MarkovChain } from '../../models/sources/markov.js';
import {
  markovDenoiser,
  SOURCE_BLOCK,
  SOURCE_UNIFORM_SHARE,
  type SourceFamily,
  sourceVocabSize,
} from '../../models/sources/markov-denoiser.js';
import type { Observer } from '../../observer.js';
import { VERSIONS } from '../../versions.js';
import { type Estimator, estimators, isEstimatorOf } from '../perplexity/estimator.js';
import { LossSession } from '../perplexity/loss-session.js';
import type { LossSource } from '../perplexity/loss-source.js';
import { zeroShotPerplexity } from '../perplexity/zero-shot-perplexity.js';
import { type ClosedForm, closedForm, stepsClosedForm } from './closed-form.js';
import { orderChecks } from './order-checks.js';
import { type CalibrationCheck, type CalibrationRecord, judge } from './record.js';
import { type CalibrationSource, calibrationSources, drawText } from './sources.js';

export const calibrationFamilies = [
  'ar',
  'mdlm',
  'sedd',
  'bd3lm',
  'd3pm',
  'duo',
  'gidd',
] as const satisfies readonly SourceFamily[];
export const calibrationEstimators = estimators;
export const calibrationSchedules = ['log-linear', 'cosine'] as const satisfies readonly ScheduleType[];

/** Tokens per sequence. */
const calibrationLength = 32;
/** T of discrete time: so few that the bound is well above −ln p. */
const calibrationSteps = 16;
const protocols: readonly Protocol[] = ['strict', 'duo'];

export interface CalibrationRequest {
  families: readonly SourceFamily[];
  schedules: readonly ScheduleType[];
  estimators: readonly Estimator[];
  /** Sequences of each source's text. */
  sequences: number;
  /** (t, z) per sequence; with one the Monte Carlo error is an upper bound only. */
  draws: number;
  seed: number;
  threads?: number;
  /** Whether likelihoods over orders of revealing tokens are checked, too (masked families). */
  orders?: boolean;
  /** The checks to run; by default all. */
  sources?: readonly CalibrationSource[];
}

/** @throws whatever an evaluation throws; a failed check is recorded, not thrown */
export async function calibrate(
  request: CalibrationRequest,
  observer: Observer = {},
): Promise<CalibrationRecord> {
  const started = performance.now();
  const models = modelsOf(request);
  const masked = request.orders ? maskedModels(request) : [];
  const work = models.length + masked.length;
  const checks: CalibrationCheck[] = [];
  let threads = request.threads ?? 0;
  for (const [done, { source, checkpoint, family }] of models.entries()) {
    observer.progress?.('calibrating', done, work);
    const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: request.threads });
    threads = session.threads;
    try {
      checks.push(...(await checksOf(session, source, family, request, observer.signal)));
    } finally {
      await session.close();
    }
  }
  for (const [done, { source, checkpoint }] of masked.entries()) {
    observer.progress?.('calibrating', models.length + done, work);
    const { seed } = request;
    const asked = { length: calibrationLength, seed, threads: request.threads };
    checks.push(...(await orderChecks(checkpoint, source, asked, observer.signal)));
  }
  observer.progress?.('calibrating', work, work);
  const count = (verdict: CalibrationCheck['verdict']) =>
    checks.filter((check) => check.verdict === verdict).length;
  return {
    eval: 'calibration',
    seed: request.seed,
    sequences: request.sequences,
    length: calibrationLength,
    draws: request.draws,
    checks,
    passed: count('pass'),
    failed: count('fail'),
    notCounted: count('not-counted'),
    wallSeconds: (performance.now() - started) / 1000,
    environment: { ...VERSIONS, provider: 'cpu', threads },
  };
}

interface SourceModel {
  source: CalibrationSource;
  family: SourceFamily;
  checkpoint: Checkpoint;
}

/** Every source with every masked family; no likelihood over orders depends on the schedule. */
function maskedModels({ families, sources = calibrationSources }: CalibrationRequest): SourceModel[] {
  return sources.flatMap((source) =>
    families
      .filter(isMasked)
      .map((family) => ({ source, family, checkpoint: exactCheckpoint(source, family, 'log-linear') })),
  );
}

/** Every source with every family and schedule; ar has no schedule. */
function modelsOf(request: CalibrationRequest): SourceModel[] {
  const { families, schedules, estimators: asked, sources = calibrationSources } = request;
  if (asked.length === 0) return [];
  return sources.flatMap((source) =>
    families.flatMap((family) =>
      schedulesOf(family, schedules).map((schedule) => ({
        source,
        family,
        checkpoint: exactCheckpoint(source, family, schedule),
      })),
    ),
  );
}

/** ar has no schedule; masks and uniform noise together have one of their own. */
function schedulesOf(family: SourceFamily, asked: readonly ScheduleType[]): readonly (ScheduleType | null)[] {
  if (family === 'ar') return [null];
  return isMixed(family) ? ['mixed'] : asked;
}

/** The exact model of a source, as a checkpoint. */
export function exactCheckpoint(
  { name, chain }: Pick<CalibrationSource, 'name' | 'chain'>,
  family: SourceFamily,
  schedule: ScheduleType | null,
): Checkpoint {
  return checkpointOfGraph(
    markovDenoiser(chain, family),
    {
      family,
      vocabSize: sourceVocabSize(chain, family),
      ...(usesMask(family) && { maskTokenId: chain.vocabSize }),
      ...(isInBlocks(family) && { blockSize: SOURCE_BLOCK }),
      ...(schedule && {
        schedule: {
          ...{ type: schedule, eps: schedule === 'cosine' ? defaultEps : usualSchedule(family).eps },
          ...(isMixed(family) && { uniformShare: SOURCE_UNIFORM_SHARE }),
          ...(isInSteps(family) && { steps: calibrationSteps }),
        },
      }),
      timeConditioning: family === 'duo' || family === 'gidd',
    },
    `${name}-${family}`,
  );
}

/** A source's model under the estimators asked for and both protocols. @param losses the model, running */
export async function checksOf(
  losses: LossSource,
  source: CalibrationSource,
  family: SourceFamily,
  request: Omit<CalibrationRequest, 'families' | 'schedules' | 'sources'>,
  signal?: AbortSignal,
): Promise<CalibrationCheck[]> {
  const { seed, draws, sequences } = request;
  const texts = drawText(source, { sequences, length: calibrationLength, seed });
  const stream = packedTokens(source.name, texts);
  const { schedule } = losses.checkpoint;
  const exact = schedule === null;
  const checks: CalibrationCheck[] = [];
  for (const protocol of exact ? protocols.slice(0, 1) : protocols) {
    const costs = costsOf(texts, costOf(source.chain, family, schedule, protocol));
    for (const estimator of exact
      ? calibrationEstimators.slice(0, 1)
      : request.estimators.filter((one) => isEstimatorOf(one, family))) {
      const options = { protocol, draws, seed, estimator, until: null, batch: null };
      const found = await zeroShotPerplexity(losses, stream, options, { signal });
      const { tokens, metrics } = found;
      found.losses.close();
      const measured = {
        closedForm: costs.overRange / tokens,
        estimate: metrics.nll.value ?? Number.NaN,
        stderr: metrics.nll.mcStderr,
      };
      checks.push({
        source: source.name,
        description: source.description,
        family,
        schedule: schedule?.type ?? null,
        estimator: found.estimator,
        protocol: exact ? null : protocol,
        sequences: found.sequences,
        tokens,
        draws: exact ? null : found.draws,
        whole: costs.whole / tokens,
        ...measured,
        ...judge({ ...measured, exact, notCounted: notCounted(source, found.estimator) }),
      });
    }
  }
  return checks;
}

/** The closed form of an exact model's loss under a protocol. */
function costOf(
  chain: MarkovChain,
  family: SourceFamily,
  named: Schedule | null,
  protocol: Protocol,
): (x: Int32Array) => ClosedForm {
  const schedule = named && noiseSchedule(named);
  if (schedule?.steps !== undefined) return stepsClosedForm(chain, schedule, schedule.steps, protocol);
  return closedForm(chain, family, schedule && integration(protocol, schedule), schedule);
}

/** Closed form over the whole text, nats. */
function costsOf(texts: readonly Int32Array[], costOf: (x: Int32Array) => ClosedForm): ClosedForm {
  const sum = { whole: 0, overRange: 0 };
  for (const x of texts) {
    const { whole, overRange } = costOf(x);
    sum.whole += whole;
    sum.overRange += overRange;
  }
  return sum;
}

/** Where the control variate is the model, a corrected estimate is exact whatever the code computes, so the check proves nothing. */
function notCounted({ independent }: CalibrationSource, estimator: string): string | null {
  return independent && estimator !== 'plain'
    ? 'for independent tokens the control variate is the model itself'
    : null;
}
