/**
 * How long a model takes for a step of a sample, and a judge for a text: from kept results of the same model at the same
 * length, else from a trial of a few seconds, whose output is discarded.
 */

import type { Observer } from '../../observer.js';
import { generate } from '../../sampling/generate.js';
import { type SampleRequest, sampledModel } from '../../sampling/sample-request.js';
import { startSamplingSession } from '../../sampling/sampling-session.js';
import type { FrontierResult } from '../frontier/record.js';
import { Judge, type JudgeOptions } from '../generation/judge.js';
import type { GenerativeResult } from '../generation/record.js';
import type { BenchResult } from '../throughput/record.js';

/** Seconds of a sampling trial, after the first step. */
const TRIAL_SECONDS = 2;
/** Number of texts in the trial of a judge. */
const TRIAL_TEXTS = 4;

export interface Pace {
  /** Seconds per step, or per text. */
  each: number;
  /** Seconds until the first step or text, where measured. */
  start: number;
}

export class Paces {
  /** Null: the trial gave no pace. */
  private readonly known = new Map<string, Pace | null>();

  constructor(private readonly observer: Observer) {}

  /** Learns from samples that were kept, and from their judgement. */
  learnSamples({ model, judge, samples, cost }: BenchResult | GenerativeResult): void {
    if (!model) return;
    const { length, nfe, seconds, count } = samples;
    this.keep(steps(model.name, length), nfe && seconds && seconds / count / nfe);
    const { modelCalls, wallSeconds } = cost;
    if (judge)
      this.keep(texts(judge.name, length), modelCalls > 0 ? wallSeconds && wallSeconds / count : null);
  }

  /** Learns from a sweep that was kept. */
  learnSweep({ model, length, nfe, tokensPerSecond }: FrontierResult): void {
    this.keep(steps(model.name, length), nfe && tokensPerSecond && length / tokensPerSecond / nfe);
  }

  /** Seconds per step of a sample; null where the trial completed no step. */
  async ofStep(request: SampleRequest): Promise<Pace | null> {
    const key = steps(request.checkpoint.name, request.length);
    if (!this.known.has(key)) this.known.set(key, await tryStep(request, this.observer));
    return this.known.get(key) ?? null;
  }

  /** Seconds per text of this many tokens. */
  async ofText(options: JudgeOptions, name: string, length: number): Promise<Pace | null> {
    const key = texts(name, length);
    if (!this.known.has(key)) this.known.set(key, await tryJudge(options, length, this.observer));
    return this.known.get(key) ?? null;
  }

  private keep(key: string, seconds: number | null | undefined): void {
    if (seconds && Number.isFinite(seconds)) this.known.set(key, { each: seconds, start: 0 });
  }
}

const steps = (model: string, length: number) => `step of ${length} tokens by ${model}`;
const texts = (judge: string, length: number) => `text of ${length} tokens read by ${judge}`;

/** A batch as it would be sampled, stopped early; its first step is not counted where there are others. */
async function tryStep(request: SampleRequest, { warn, signal }: Observer): Promise<Pace | null> {
  const began = performance.now() / 1000;
  const enough = new AbortController();
  const at: number[] = [];
  const onStep = () => {
    at.push(performance.now() / 1000);
    if (at.length > 2 && at[at.length - 1] - at[1] > TRIAL_SECONDS) enough.abort();
  };
  const session = await startSamplingSession({ ...request, sampler: request.sampler.sampler, notice: warn });
  try {
    const plan = {
      ...request,
      model: sampledModel(request.checkpoint, request.tokenizer),
      source: session.source,
    };
    const stop = signal ? AbortSignal.any([signal, enough.signal]) : enough.signal;
    for await (const _batch of generate({ ...plan, first: 0, samples: request.batch, onStep, signal: stop }));
  } catch (error) {
    if (!enough.signal.aborted || signal?.aborted) throw error;
  } finally {
    await session.close();
  }
  if (at.length < 2) return null;
  const first = at.length > 2 ? 1 : 0;
  const each = (at[at.length - 1] - at[first]) / (at.length - 1 - first) / request.batch;
  return { each, start: at[first] - began };
}

/** Times a judge. The first text includes loading the network. */
async function tryJudge(
  options: JudgeOptions,
  length: number,
  { note, warn, signal }: Observer,
): Promise<Pace> {
  const began = performance.now() / 1000;
  const judge = await Judge.open({ ...options, fresh: true }, { note, warn, signal });
  try {
    const { vocabSize } = judge.checkpoint;
    const text = (t: number) => Int32Array.from({ length }, (_, i) => (t + i) % vocabSize);
    await judge.judge('trial', [text(0)]);
    const start = performance.now() / 1000 - began;
    const many = Array.from({ length: TRIAL_TEXTS }, (_, t) => text(t + 1));
    return { each: (await judge.judge('trial', many)).wallSeconds / TRIAL_TEXTS, start };
  } finally {
    judge.finish();
    await judge.close();
  }
}
