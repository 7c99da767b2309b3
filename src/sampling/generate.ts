/**
 * Drives a sampler over a model: batches of samples from the prior to text. Given tokens are restored after each step, model
 * calls are counted, and every random number is a function of (seed, sample, step, purpose), so a sample is the same in any
 * batch.
 *
 * Not responsible for what happens to the samples (sample-run.ts) or for the model's answers (draw-session.ts).
 */

import { DuoEvalError, UsageError } from '../errors.js';
import { isMasked, usesMask } from '../models/family.js';
import { streams } from '../random/streams.js';
import { fillUniforms } from '../random/uniforms.js';
import type { ResolvedSampler, SamplingRun } from '../samplers/sampler.js';
import { consecutiveSamples, type SampleAddress, uniformsOf } from '../samplers/sampler-uniforms.js';
import { CountedModel, CountedStates } from './counted-model.js';
import type { GeneratedSample, GenerationPlan, GivenTokens } from './generation-plan.js';

/** Yields each finished batch, in the order of the samples. @throws UsageError for a user's sampler that misbehaves */
export async function* generate(plan: GenerationPlan): AsyncGenerator<GeneratedSample[], void, void> {
  for (let first = plan.first ?? 0; first < plan.samples; first += plan.batch) {
    plan.signal?.throwIfAborted();
    yield await generateBatch(plan, first, Math.min(plan.batch, plan.samples - first));
  }
}

async function generateBatch(plan: GenerationPlan, first: number, batch: number): Promise<GeneratedSample[]> {
  const { model, length, sampler, onStep, signal } = plan;
  const started = performance.now();
  const addresses = plan.each?.slice(first, first + batch) ?? consecutiveSamples(plan.seed, first, batch);
  const givens = addresses.map((_, b) => givenOf(plan, first + b));
  const tokens = priorTokens(plan, addresses, givens);
  const calls = new CountedModel(plan, { addresses, batch, tokens });
  const states = new CountedStates();
  const numbers = Array.from({ length: batch }, (_, b) => first + b);
  const fixed = new Uint8Array(batch * length);
  for (const [b, given] of givens.entries()) if (given) fixed.set(given.fixed, b * length);
  const run: SamplingRun = {
    causal: plan.source.causal && states.causal(plan.source.causal),
    latent: plan.source.latent && states.latent(plan.source.latent(plan.seed, numbers)),
    label: batch === 1 ? `sample ${first}` : `samples ${first} to ${first + batch - 1}`,
    family: model.family,
    vocabSize: model.vocabSize,
    maskTokenId: model.maskTokenId,
    blockSize: model.blockSize,
    schedule: model.schedule,
    timeConditioned: model.timeConditioned,
    batch,
    length,
    steps: plan.steps,
    options: plan.options,
    tokens,
    fixed: fixed.slice(),
    uniforms: uniformsOf(addresses, length),
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
    // A sampler may change tokens after its last yield.
    checkStep(plan, run, tokens, undefined, step);
    reimpose();
  } catch (error) {
    throw signal?.aborted ? error : usersFault(error, sampler, `failed in step ${step}`);
  }
  const seconds = (performance.now() - started) / 1000 / batch;
  return Array.from({ length: batch }, (_, b) => ({
    sample: first + b,
    tokens: tokens.slice(b * length, (b + 1) * length),
    nfe: calls.count[b] + states.calls,
    seconds,
  }));
}

/** z before any step: masks or uniform tokens (ar: zeros), with the given tokens in place. */
function priorTokens(
  { model, length }: GenerationPlan,
  addresses: readonly SampleAddress[],
  givens: readonly (GivenTokens | null)[],
): Int32Array {
  const tokens = new Int32Array(addresses.length * length);
  if (usesMask(model.family))
    tokens.fill(model.maskTokenId!); // such a family has a mask
  else if (model.family !== 'ar') {
    const uniforms = new Float64Array(length);
    for (const [b, { seed, sample }] of addresses.entries()) {
      fillUniforms(uniforms, { seed, stream: streams.priorToken, sequence: sample, step: 0 });
      for (let l = 0; l < length; l++) tokens[b * length + l] = Math.floor(uniforms[l] * model.vocabSize);
    }
  }
  for (const [b, given] of givens.entries()) {
    if (!given) continue;
    for (let l = 0; l < length; l++) if (given.fixed[l]) tokens[b * length + l] = given.tokens[l];
  }
  return tokens;
}

/** What is given; of models that never mask the first token, at least that, which they were not trained to write. */
function givenOf(plan: GenerationPlan, place: number): GivenTokens | null {
  const { length, model } = plan;
  const { firstToken = null } = model;
  const given = plan.each ? plan.each[place].given : plan.given;
  if (given || firstToken === null) return given ?? null;
  const only = { tokens: new Int32Array(length), fixed: new Uint8Array(length) };
  [only.tokens[0], only.fixed[0]] = [firstToken, 1];
  return only;
}

/** Checks what a sampler left after a step. @throws UsageError */
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
  const isToken = (token: number) =>
    (token >= 0 && token < model.vocabSize) || (isMasked(model.family) && token === model.maskTokenId);
  const at = tokens.findIndex((token) => !isToken(token));
  if (at < 0) return;
  throw new UsageError({
    code: 'sampler-token-out-of-range',
    message: `The sampler ${name} wrote the token ${tokens[at]} in step ${step}; tokens of ${model.name} are 0 to ${model.vocabSize - 1}.`,
    hint: 'Write whole numbers of that range into run.tokens.',
  });
}

/** @returns an error of this program as it is; anything else that a user's sampler threw as a UsageError */
export function usersFault(error: unknown, { sampler, module }: ResolvedSampler, what: string): unknown {
  if (error instanceof DuoEvalError || module === null) return error;
  return new UsageError({
    code: 'sampler-failed',
    message: `The sampler ${sampler.name} of ${module.path} ${what}: ${placeOf(error)}.`,
    hint: 'Correct the module; the same seed and batch repeat the failure.',
    cause: error,
  });
}

/** The message, and the line of the module if the stack trace names it. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const line = /\.[mc]?js:(\d+):\d+/.exec(error.stack ?? '')?.[1];
  return `${error.message.replace(/\.$/, '')}${line ? ` (line ${line})` : ''}`;
}
