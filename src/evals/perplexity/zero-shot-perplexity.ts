/**
 * Zero-shot perplexity of one checkpoint on one packed stream: perplexity = exp(Σ loss / Σ tokens), with its standard error
 * over units of text and its Monte Carlo error over draws (arXiv 2506.10892, section 5.1 and table 3).
 *
 * A pass visits every sequence once; with more draws there are more passes. No figure depends on how calls are
 * batched. Values that hold one number per sequence are columns (storage/number-column.ts), so memory does not grow with the
 * data set.
 */

import type { PackedStream } from '../../datasets/packed-stream.js';
import { type SelectedStream, type Selection, selectedSequences } from '../../datasets/selected-sequences.js';
import { type DrawnIntegration, integration } from '../../diffusion/integration.js';
import { MonteCarloSums } from '../../diffusion/monte-carlo-error.js';
import { noiseSchedule, type Protocol } from '../../diffusion/schedule.js';
import { type TimePlan, timePlan } from '../../diffusion/times.js';
import { DataError } from '../../errors.js';
import { batchOf } from '../../models/batch-limit.js';
import type { Schedule } from '../../models/card.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { isFirstGiven } from '../../models/family.js';
import type { Observer } from '../../observer.js';
import type { SequencesRecord } from '../../records/record.js';
import { perplexityMetrics } from '../../records/text-figures.js';
import { entry, type Numbers, numbersOf, sum } from '../../statistics/numbers.js';
import { studentQuantile95 } from '../../statistics/student.js';
import { NumberColumn } from '../../storage/number-column.js';
import { callsInOrder } from '../calls-in-order.js';
import type { Correction } from './correction.js';
import { type EstimatedLosses, estimatedLosses, sequencesRecord } from './estimated-losses.js';
import { correctionOf, drawnLevels, type Estimator, estimatorOf } from './estimator.js';
import { type ExactLikelihood, likelihoodOf } from './exact-likelihood.js';
import { callLevels, type ModelCall, type SequenceLoss } from './loss-batch.js';
import { type BatchModel, batchModelOf, type LossSource } from './loss-source.js';
import type { PerplexityMetrics } from './record.js';

export interface PerplexityOptions {
  protocol: 'duo' | 'strict';
  /** Draws of (t, z) per sequence; with `until`, the maximum. An ar model always takes one, since its loss is exact. */
  draws: number;
  seed: number;
  /** How draws are made and used; null: what varies least for the family. Every estimator estimates the same figure. */
  estimator: Estimator | null;
  /** Which sequences; by default all. */
  selection?: Selection | null;
  /** Stops after a whole pass once t · mcStderr of nll is at most this; t is Student's 95% quantile. */
  until: number | null;
  /** Sequences per model call; null: chosen by the size of the logits. */
  batch: number | null;
  /** The estimate includes the loss of each sequence. */
  sequences?: boolean;
  /** For masked families: the exact likelihood under this policy, in place of the bound. The source must be of this policy. */
  likelihood?: ExactLikelihood | null;
}

/** Receives the loss of each call as soon as it is known. */
export type LossSink = (loss: SequenceLoss, call: ModelCall, tokens: number) => void;

type LossObserver = Pick<Observer, 'progress' | 'signal'> & { onLoss?: LossSink };

export interface PerplexityEstimate {
  metrics: PerplexityMetrics;
  integration: DrawnIntegration | null;
  estimator: 'exact' | Estimator;
  /** Draws per sequence. */
  draws: number;
  /** Independent randomisations of the times behind the Monte Carlo error. */
  randomizations: number | null;
  /** Degrees of freedom of the Monte Carlo error; null where nothing is drawn, or the error is unknown. */
  mcDegreesOfFreedom: number | null;
  sequences: number;
  tokens: number;
  modelCalls: number;
  wallSeconds: number;
  batch: number;
  /** Loss of each sequence. */
  losses: EstimatedLosses;
  /** Null unless `sequences` asks for it. */
  bySequence: SequencesRecord | null;
}

/**
 * Calls are started in groups of about this duration, at most two groups ahead. Short calls form large groups: waking this
 * thread and the network's for each call would cost more than the call.
 */
const GROUP_MS = 40;
const LARGEST_GROUP = 32;

/** @throws DataError, NumericalError, ModelError, InterruptedError */
export async function zeroShotPerplexity(
  source: LossSource,
  stream: PackedStream,
  options: PerplexityOptions,
  observer: LossObserver = {},
): Promise<PerplexityEstimate> {
  const { checkpoint } = source;
  checkVocabulary(stream, checkpoint.name, checkpoint.textVocabSize ?? checkpoint.vocabSize);
  const run = new Run(source, selectedSequences(stream, options.selection ?? null), options, observer);
  const started = performance.now();
  let passes = 0;
  try {
    while (passes < run.draws) {
      await run.pass(passes++);
      if (run.preciseEnough(passes)) break;
    }
    return run.estimate(passes, (performance.now() - started) / 1000);
  } finally {
    run.close();
  }
}

/**
 * Evaluates some sequences, in every draw, for a source that keeps their losses. What depends on all sequences (levels, the
 * control variate, errors) comes when the source has them all. @throws as zeroShotPerplexity
 */
export async function evaluateSequences(
  source: LossSource,
  stream: PackedStream,
  options: PerplexityOptions,
  range: { from: number; to: number },
  observer: LossObserver = {},
): Promise<void> {
  const { checkpoint } = source;
  checkVocabulary(stream, checkpoint.name, checkpoint.textVocabSize ?? checkpoint.vocabSize);
  const run = new Run(source, selectedSequences(stream, options.selection ?? null), options, observer);
  try {
    for (let draw = 0; draw < run.draws; draw++) await run.visit(draw, range);
  } finally {
    run.close();
  }
}

class Run {
  readonly draws: number;
  private readonly sequences: number;
  private readonly batch: number;
  private readonly exact: boolean;
  private readonly estimator: Estimator;
  private readonly likelihood: ExactLikelihood | null;
  private readonly plan: TimePlan | null;
  private readonly integration: DrawnIntegration | null;
  private readonly correction: Correction | null;
  private readonly model: BatchModel;
  /** Nats of the current pass, and summed over finished passes, for all tokens and for text tokens only. */
  private readonly passNats: NumberColumn;
  private readonly passTextNats: NumberColumn;
  private readonly nats: NumberColumn;
  private readonly textNats: NumberColumn;
  /** Scored tokens per sequence: all, or all but the first where that is given. */
  private readonly tokens: Numbers;
  private readonly monteCarlo: MonteCarloSums | null;
  private modelCalls = 0;
  /** The sequences that are visited. */
  private range = { from: 0, to: 0 };
  /** Losses so far, over all passes. */
  private finished = 0;

  constructor(
    private readonly source: LossSource,
    private readonly stream: SelectedStream,
    private readonly options: PerplexityOptions,
    private readonly observer: LossObserver,
  ) {
    const { checkpoint } = source;
    const { protocol, seed } = options;
    this.estimator = estimatorOf(options.estimator, checkpoint.family);
    this.likelihood = likelihoodOf(checkpoint, options);
    this.exact = checkpoint.family === 'ar' || this.likelihood !== null;
    this.sequences = stream.sequences;
    this.draws = this.exact ? 1 : options.draws;
    this.plan = this.exact ? null : timePlan({ sequences: this.sequences, draws: this.draws, seed });
    this.integration =
      this.exact || checkpoint.schedule === null
        ? null
        : levelsOf(checkpoint, checkpoint.schedule, protocol, this.estimator);
    this.batch = batchOf(checkpoint, stream.length, options.batch);
    this.passNats = new NumberColumn(this.sequences);
    this.passTextNats = new NumberColumn(this.sequences);
    this.nats = new NumberColumn(this.sequences);
    this.textNats = new NumberColumn(this.sequences);
    const unscored = this.likelihood ? this.likelihood.from !== 'all-masked' : isFirstGiven(checkpoint);
    this.tokens = numbersOf(this.sequences, (i) => stream.lengthOf(i) - (unscored ? 1 : 0));
    this.monteCarlo = this.plan && new MonteCarloSums(this.plan);
    this.model = batchModelOf(checkpoint, { seed, wrapped: stream.wrapped });
    this.correction =
      this.plan && this.integration && checkpoint.schedule
        ? correctionOf(this.estimator, {
            stream,
            sequences: this.sequences,
            plan: this.plan,
            integration: this.integration,
            schedule: checkpoint.schedule,
            model: this.model,
            signal: observer.signal,
          })
        : null;
  }

  /** Evaluates every sequence once. */
  async pass(draw: number): Promise<void> {
    await this.visit(draw, { from: 0, to: this.sequences });
    await this.correction?.correct(draw, this.passNats, this.passTextNats);
    for (let i = 0; i < this.sequences; i++) {
      const nats = this.passNats.at(i);
      this.monteCarlo?.add(i, draw, nats);
      this.nats.add(i, nats);
      this.textNats.add(i, this.passTextNats.at(i));
    }
  }

  /** Evaluates some sequences once. */
  async visit(draw: number, range: { from: number; to: number }): Promise<void> {
    this.range = range;
    const started = performance.now();
    const windowOf = (finished: number) => {
      // Calls of one text each, from which the source makes its batches: so many that none of them waits for a text.
      if (this.likelihood) return { full: 2 * this.batch, resume: 2 * this.batch - 1 };
      const group = groupSize(finished, performance.now() - started);
      return { full: 2 * group, resume: group };
    };
    await callsInOrder(this.batches(draw), (calls) => this.call(calls), windowOf, this.observer.signal);
  }

  preciseEnough(passes: number): boolean {
    const { until } = this.options;
    const error = until === null ? null : this.monteCarloError(passes);
    return until !== null && error !== null && halfWidth(error) / sum(this.tokens) <= until;
  }

  estimate(passes: number, wallSeconds: number): PerplexityEstimate {
    const { sequences, tokens } = this;
    const error = this.monteCarloError(passes);
    const sums = { nats: this.nats, textNats: this.textNats };
    const losses = estimatedLosses(this.stream, sums, passes, {
      tokens,
      natsMcStderr: error?.stderr ?? null,
    });
    return {
      metrics: perplexityMetrics(losses),
      integration: this.integration,
      estimator: this.exact ? 'exact' : this.estimator,
      draws: passes,
      randomizations: this.plan ? this.plan.groups * Math.min(passes, 4) : null,
      mcDegreesOfFreedom: this.exact ? null : (error?.degreesOfFreedom ?? null),
      sequences,
      tokens: sum(tokens),
      modelCalls: this.modelCalls,
      wallSeconds,
      batch: this.batch,
      losses,
      bySequence: this.options.sequences ? sequencesRecord(this.stream, losses) : null,
    };
  }

  close(): void {
    for (const column of [this.passNats, this.passTextNats, this.nats, this.textNats]) column.close();
    this.correction?.close();
  }

  private *batches(draw: number): Generator<ModelCall[]> {
    let calls: ModelCall[] = [];
    for (let { from: sequence } = this.range; sequence < this.range.to; sequence++) {
      const x = this.stream.sequence(sequence);
      const most = this.likelihood ? 1 : this.batch;
      if (calls.length === most || (calls.length > 0 && calls[0].x.length !== x.length)) {
        yield calls;
        calls = [];
      }
      const { plan, integration, model } = this;
      const levels =
        plan && integration
          ? callLevels(plan.at(sequence, draw).u, { sequence, draw, x }, model, integration)
          : { level: null };
      const byToken = this.correction?.wantsByToken(sequence, draw);
      const path =
        this.likelihood !== null && !this.likelihood.overOrders && this.observer.onLoss !== undefined;
      calls.push({ sequence, draw, x, ...levels, byToken, path });
    }
    if (calls.length > 0) yield calls;
  }

  private async call(calls: ModelCall[]): Promise<void> {
    const losses = await this.source.losses(calls, this.model);
    for (const [i, loss] of losses.entries()) {
      this.passNats.set(loss.sequence, loss.nats);
      this.passTextNats.set(loss.sequence, loss.textNats);
      this.correction?.observe(calls[i], loss);
      this.modelCalls += loss.calls;
      this.observer.onLoss?.(loss, calls[i], entry(this.tokens, loss.sequence));
    }
    this.finished += calls.length;
    this.observer.progress?.(this.stream.name, this.finished, this.draws * (this.range.to - this.range.from));
  }

  /** Monte Carlo error of the total loss, nats; null where there are too few draws. */
  private monteCarloError(passes: number): DrawError | null {
    if (!this.monteCarlo) return { stderr: 0, degreesOfFreedom: 0 };
    const error = this.monteCarlo.error(passes, (sequence) => this.nats.at(sequence));
    return error && { stderr: Math.sqrt(error.variance), degreesOfFreedom: error.degreesOfFreedom };
  }
}

interface DrawError {
  stderr: number;
  degreesOfFreedom: number;
}

function halfWidth({ stderr, degreesOfFreedom }: DrawError): number {
  return stderr === 0 ? 0 : studentQuantile95(degreesOfFreedom) * stderr;
}

/** Calls per group, from the time per finished call. */
function groupSize(finished: number, ms: number): number {
  if (finished === 0) return 1;
  return Math.max(1, Math.min(LARGEST_GROUP, Math.floor((GROUP_MS * finished) / ms)));
}

function levelsOf(
  { family, fields, signature }: Checkpoint,
  named: Schedule,
  protocol: Protocol,
  estimator: Estimator,
): DrawnIntegration {
  const schedule = noiseSchedule(named);
  const readsTime = signature.sigma !== null && fields.timeConditioning.value;
  return drawnLevels(estimator, integration(protocol, schedule), { schedule, family, readsTime });
}

function checkVocabulary(stream: PackedStream, model: string, vocabSize: number): void {
  if (stream.maxTokenId < vocabSize) return;
  throw new DataError({
    code: 'token-outside-vocabulary',
    message: `The data hold the token ${stream.maxTokenId}; ${model} knows ${vocabSize} tokens, 0 to ${vocabSize - 1}.`,
    hint: 'The tokenizer is not the one the model was trained with: give --tokenizer.',
  });
}
