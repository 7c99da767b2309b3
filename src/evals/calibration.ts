/**
 * The harness measures itself: exact models of sources whose probabilities are known run through the code that a
 * checkpoint runs through (head, session, forward process, times, weights, estimator, Monte Carlo error), and must cost
 * what they do cost, within 4 standard errors.
 *
 * Every check is made on the text at hand: −ln p of the very tokens, so that Monte Carlo error alone separates the two.
 */
import { packedTokens } from '../datasets/packed-tokens.js';
import { defaultEps, type Protocol, type ScheduleType } from '../diffusion/schedule.js';
import { type Checkpoint, checkpointOfGraph } from '../models/checkpoint.js';
import { isMasked } from '../models/family.js';
import { markovDenoiser, type SourceFamily, sourceVocabSize } from '../models/sources/markov-denoiser.js';
import { type CalibrationCheck, type CalibrationRecord, judge } from '../results/calibration.js';
import { VERSIONS } from '../versions.js';
import { closedForm } from './calibration-closed-form.js';
import { type CalibrationSource, calibrationSources, drawText } from './calibration-sources.js';
import { LossSession } from './loss-session.js';
import type { LossSource } from './loss-source.js';
import { type PerplexityOptions, zeroShotPerplexity } from './zero-shot-perplexity.js';

export const calibrationFamilies = ['ar', 'mdlm', 'sedd', 'duo'] as const satisfies readonly SourceFamily[];
export const calibrationSchedules = ['log-linear', 'cosine'] as const satisfies readonly ScheduleType[];
export const calibrationEstimators = ['control-variate', 'plain'] as const;
export type CalibrationEstimator = (typeof calibrationEstimators)[number];

/** Tokens a sequence. */
export const calibrationLength = 32;
const protocols: readonly Protocol[] = ['strict', 'duo'];

export interface CalibrationRequest {
  families: readonly SourceFamily[];
  schedules: readonly ScheduleType[];
  estimators: readonly CalibrationEstimator[];
  /** Of each source's text. */
  sequences: number;
  /** (t, z) a sequence; with one the Monte Carlo error is an upper bound only. */
  draws: number;
  seed: number;
  threads?: number;
  /** Those to run instead of all. */
  sources?: readonly CalibrationSource[];
}

export interface CalibrationObserver {
  onProgress?(done: number, total: number): void;
  signal?: AbortSignal;
}

/** @throws whatever an evaluation throws; a check that fails is not thrown but recorded */
export async function calibrate(
  request: CalibrationRequest,
  observer: CalibrationObserver = {},
): Promise<CalibrationRecord> {
  const started = performance.now();
  const models = modelsOf(request);
  const checks: CalibrationCheck[] = [];
  let threads = 0;
  for (const [done, { source, checkpoint, family }] of models.entries()) {
    observer.onProgress?.(done, models.length);
    const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: request.threads });
    threads = session.threads;
    try {
      checks.push(...(await checksOf(session, source, family, request, observer.signal)));
    } finally {
      await session.close();
    }
  }
  observer.onProgress?.(models.length, models.length);
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

/** Every source as every family and schedule; ar has no schedule. */
function modelsOf(request: CalibrationRequest): SourceModel[] {
  const { families, schedules, sources = calibrationSources } = request;
  return sources.flatMap((source) =>
    families.flatMap((family) =>
      (family === 'ar' ? [null] : schedules).map((schedule) => ({
        source,
        family,
        checkpoint: exactCheckpoint(source, family, schedule),
      })),
    ),
  );
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
      ...(isMasked(family) && { maskTokenId: chain.vocabSize }),
      ...(schedule && { schedule: { type: schedule, eps: defaultEps } }),
      timeConditioning: family === 'duo',
    },
    `${name}-${family}`,
  );
}

async function checksOf(
  losses: LossSource,
  source: CalibrationSource,
  family: SourceFamily,
  request: CalibrationRequest,
  signal: AbortSignal | undefined,
): Promise<CalibrationCheck[]> {
  const { seed, draws, sequences } = request;
  const texts = drawText(source, { sequences, length: calibrationLength, seed });
  const stream = packedTokens(source.name, texts);
  const checks: CalibrationCheck[] = [];
  for (const estimator of family === 'ar' ? (['plain'] as const) : request.estimators) {
    for (const protocol of family === 'ar' ? (['strict'] as const) : protocols) {
      const options = { protocol, draws, seed, estimator, limit: null, until: null, batch: null };
      checks.push(await checkOf(losses, source, family, { stream, texts, options, signal }));
    }
  }
  return checks;
}

interface Run {
  stream: ReturnType<typeof packedTokens>;
  texts: readonly Int32Array[];
  options: PerplexityOptions;
  signal: AbortSignal | undefined;
}

async function checkOf(
  losses: LossSource,
  source: CalibrationSource,
  family: SourceFamily,
  { stream, texts, options, signal }: Run,
): Promise<CalibrationCheck> {
  const found = await zeroShotPerplexity(losses, stream, options, { signal });
  const { estimator, integration, tokens, metrics } = found;
  const exact = estimator === 'exact';
  const costOf = closedForm(source.chain, family, integration);
  let whole = 0;
  let overRange = 0;
  for (const x of texts) {
    const cost = costOf(x);
    whole += cost.whole;
    overRange += cost.overRange;
  }
  const measured = {
    closedForm: overRange / tokens,
    estimate: metrics.nll.value ?? Number.NaN,
    stderr: metrics.nll.mcStderr,
  };
  return {
    source: source.name,
    description: source.description,
    family,
    schedule: losses.checkpoint.fields.schedule.value?.type ?? null,
    estimator,
    protocol: exact ? null : options.protocol,
    sequences: found.sequences,
    tokens,
    draws: exact ? null : found.draws,
    whole: whole / tokens,
    ...measured,
    ...judge({ ...measured, exact, notCounted: notCounted(source, estimator) }),
  };
}

/** Where the control variate is the model, an estimate corrected by it is right whatever the code computes. */
function notCounted({ independent }: CalibrationSource, estimator: string): string | null {
  return independent && estimator === 'control-variate'
    ? 'for independent tokens the control variate is the model itself'
    : null;
}
