/**
 * Drives a sampler over a model: batches of samples from the prior to text. Given tokens are put back after each step, calls
 * are counted as they are made, and every random number is a function of (seed, sample, step, purpose), so that a sample is
 * the same in any batch.
 *
 * Not responsible for what is done with the samples (sample-run.ts), nor for the model's answers (draw-session.ts).
 */

import type { NoiseSchedule } from '../diffusion/schedule.js';
import { DuoEvalError, UsageError } from '../errors.js';
import { type Family, isMasked } from '../models/family.js';
import { streams } from '../random/streams.js';
import { fillUniforms } from '../random/uniforms.js';
import type { CausalModel } from '../samplers/causal-model.js';
import type { LatentModel } from '../samplers/latent-model.js';
import type { ResolvedSampler } from '../samplers/registry.js';
import type { Denoiser, OptionValue, SamplingRun } from '../samplers/sampler.js';
import { uniformsOf } from '../samplers/sampler-uniforms.js';
import { CountedModel } from './counted-model.js';
import { CountedStates } from './counted-states.js';

/** What a sampler is told of the model. */
export interface SampledModel {
  /** For errors. */
  name: string;
  family: Family;
  /** K, the width of the logits. */
  vocabSize: number;
  maskTokenId: number | null;
  /** Null for ar. */
  schedule: NoiseSchedule | null;
  timeConditioned: boolean;
}

/** Tokens that are given, the same for every sample. */
export interface GivenTokens {
  /** [length]; has meaning where `fixed`. */
  tokens: Int32Array;
  /** [length] of 0 and 1. */
  fixed: Uint8Array;
}

/** What answers a sampler: draws, or a model that keeps a state for each batch. */
export interface ModelSource {
  /** Null where the model comes as `causal` or `latent`. */
  denoiser: Denoiser | null;
  causal?: CausalModel;
  /** @param samples numbers of the batch's samples, from which its noise follows */
  latent?(seed: number, samples: readonly number[]): LatentModel;
}

/** All that decides the samples, and how they are made. */
export interface GenerationPlan {
  model: SampledModel;
  source: ModelSource;
  sampler: ResolvedSampler;
  options: Readonly<Record<string, OptionValue>>;
  steps: number;
  length: number;
  seed: number;
  /** Samples `first` … `samples` − 1 are made. */
  samples: number;
  first?: number;
  /** Samples a call; changes no sample. */
  batch: number;
  given?: GivenTokens | null;
  signal?: AbortSignal;
  /** Most milliseconds of its own that a user's module may take for a step. */
  timeoutMs?: number;
  /** Told the tokens of a batch at first (step 0) and after each step, valid during the call. */
  onStep?: (state: StepState) => void;
}

export interface StepState {
  /** Number of the batch's first sample; the others follow. */
  first: number;
  step: number;
  /** [batch × length] */
  tokens: Int32Array;
}

export interface GeneratedSample {
  sample: number;
  /** [length] */
  tokens: Int32Array;
  /** Model calls that were made for it. */
  nfe: number;
  /** Of its batch, divided by the samples in it. */
  seconds: number;
}

/** Yields a batch when it is done, in the order of the samples. @throws UsageError for a user's sampler that misbehaves */
export async function* generate(plan: GenerationPlan): AsyncGenerator<GeneratedSample[], void, void> {
  for (let first = plan.first ?? 0; first < plan.samples; first += plan.batch) {
    plan.signal?.throwIfAborted();
    yield await generateBatch(plan, first, Math.min(plan.batch, plan.samples - first));
  }
}

async function generateBatch(plan: GenerationPlan, first: number, batch: number): Promise<GeneratedSample[]> {
  const { model, length, sampler, onStep, signal } = plan;
  const started = performance.now();
  const tokens = priorTokens(plan, first, batch);
  const calls = new CountedModel(plan, { first, batch, tokens });
  const states = new CountedStates();
  const numbers = Array.from({ length: batch }, (_, b) => first + b);
  const fixed = repeated(plan.given?.fixed ?? new Uint8Array(length), batch);
  const run: SamplingRun = {
    causal: plan.source.causal && states.causal(plan.source.causal),
    latent: plan.source.latent && states.latent(plan.source.latent(plan.seed, numbers)),
    label: batch === 1 ? `sample ${first}` : `samples ${first} to ${first + batch - 1}`,
    family: model.family,
    vocabSize: model.vocabSize,
    maskTokenId: model.maskTokenId,
    schedule: model.schedule,
    timeConditioned: model.timeConditioned,
    batch,
    length,
    steps: plan.steps,
    options: plan.options,
    tokens,
    fixed: fixed.slice(),
    uniforms: uniformsOf(plan.seed, first, batch, length),
    denoise: (call) => calls.denoise(call),
  };
  const given = tokens.slice();
  const reimpose = () => {
    for (let i = 0; i < given.length; i++) if (fixed[i]) tokens[i] = given[i];
  };
  onStep?.({ first, step: 0, tokens });
  let step = 0;
  try {
    for await (const yielded of sampler.sampler.sample(run, { ...plan, first })) {
      checkStep(plan, run, tokens, yielded, step);
      reimpose();
      step++;
      onStep?.({ first, step, tokens });
      signal?.throwIfAborted();
    }
    // A sampler may go on after its last yield.
    checkStep(plan, run, tokens, undefined, step);
    reimpose();
  } catch (error) {
    throw ownOrUsers(error, plan, step);
  }
  const seconds = (performance.now() - started) / 1000 / batch;
  return Array.from({ length: batch }, (_, b) => ({
    sample: first + b,
    tokens: tokens.slice(b * length, (b + 1) * length),
    nfe: calls.count[b] + states.calls,
    seconds,
  }));
}

/** z before any step: masks or uniform tokens, and what is given. ar: 0 where nothing is given. */
function priorTokens(
  { model, seed, length, given }: GenerationPlan,
  first: number,
  batch: number,
): Int32Array {
  const tokens = new Int32Array(batch * length);
  if (isMasked(model.family)) tokens.fill(model.maskTokenId!);
  else if (model.family !== 'ar') {
    const uniforms = new Float64Array(length);
    for (let b = 0; b < batch; b++) {
      fillUniforms(uniforms, { seed, stream: streams.priorToken, sequence: first + b, step: 0 });
      for (let l = 0; l < length; l++) tokens[b * length + l] = Math.floor(uniforms[l] * model.vocabSize);
    }
  }
  if (given) {
    for (let i = 0; i < tokens.length; i++) if (given.fixed[i % length]) tokens[i] = given.tokens[i % length];
  }
  return tokens;
}

function repeated(row: Uint8Array, batch: number): Uint8Array {
  const all = new Uint8Array(row.length * batch);
  for (let b = 0; b < batch; b++) all.set(row, b * row.length);
  return all;
}

/** What a sampler left after a step. @throws UsageError, or a fault of ours where the sampler is */
function checkStep(
  { sampler, model }: GenerationPlan,
  run: SamplingRun,
  tokens: Int32Array,
  yielded: unknown,
  step: number,
): void {
  const name = sampler.sampler.name;
  if (run.tokens !== tokens || yielded !== undefined) {
    throw new UsageError({
      code: 'sampler-wrong-shape',
      message:
        yielded === undefined
          ? `The sampler ${name} replaced run.tokens in step ${step}.`
          : `The sampler ${name} yields a value in step ${step}.`,
      hint: 'A sampler writes its tokens into run.tokens, [batch × length], and yields nothing.',
    });
  }
  const at = tokens.findIndex((token) => token < 0 || token >= model.vocabSize);
  if (at < 0) return;
  throw new UsageError({
    code: 'sampler-token-out-of-range',
    message: `The sampler ${name} wrote the token ${tokens[at]} in step ${step}; tokens of ${model.name} are 0 to ${model.vocabSize - 1}.`,
    hint: 'Write whole numbers of that range into run.tokens.',
  });
}

/** A user's sampler that throws gets a sentence; what the model or this program threw stays what it is. */
function ownOrUsers(error: unknown, { sampler, signal }: GenerationPlan, step: number): unknown {
  return signal?.aborted ? error : usersFault(error, sampler, `failed in step ${step}`);
}

/** @returns the error itself, or a sentence where it is none and the sampler is a user's */
export function usersFault(error: unknown, { sampler, module }: ResolvedSampler, what: string): unknown {
  if (error instanceof DuoEvalError || module === null) return error;
  return new UsageError({
    code: 'sampler-failed',
    message: `The sampler ${sampler.name} of ${module.path} ${what}: ${placeOf(error)}.`,
    hint: 'Correct the module; it runs with the same seed and batch each time.',
    cause: error,
  });
}

/** What was thrown, and the line of the module if the stack has it. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const line = /\.[mc]?js:(\d+):\d+/.exec(error.stack ?? '')?.[1];
  return `${error.message.replace(/\.$/, '')}${line ? ` (line ${line})` : ''}`;
}
