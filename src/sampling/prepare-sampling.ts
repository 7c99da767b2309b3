/** From flags to a request: the sampler and its options, the tokenizer, the given text, and the defaults. */

import { resolve } from 'node:path';
import { bosNotice } from '../datasets/packing-notices.js';
import { loadTokenizer, type Tokenizer } from '../datasets/tokenizer.js';
import type { Protocol } from '../diffusion/schedule.js';
import { ModelError, UsageError } from '../errors.js';
import { batchOf } from '../models/batch-limit.js';
import type { Checkpoint } from '../models/checkpoint.js';
import type { Placement } from '../models/provider.js';
import type { DrawSettings } from '../records/samples-file.js';
import { resolveSampler, samplerOptions, samplersFor } from '../samplers/registry.js';
import { chosenSampler, type ResolvedSampler } from '../samplers/sampler.js';
import { infillTokens, promptTokens } from './given-text.js';
import { checkSampleRequest, type SampleRequest, sampleLength } from './sample-request.js';

/** The values of the flags. */
export interface SamplingFlags extends DrawSettings {
  checkpoint: Checkpoint;
  /** As {@link chosenSampler} reads it. */
  sampler?: string;
  /** `key=value`; those after the sampler's name count more. */
  samplerOptions: readonly string[];
  steps?: number;
  samples: number;
  length?: number;
  batch?: number;
  seed: number;
  prompt?: string;
  infill?: string;
  tokenizer?: string;
  protocol: Protocol;
  provider: Placement;
  threads?: number;
  timeoutMs?: number;
  fresh: boolean;
  traced: boolean;
}

const DEFAULT_STEPS = 32;
/** The times of all steps are made before the first step. */
const MOST_STEPS = 100_000;
/** @throws UsageError, ModelError, DataError for an impossible request, before a model is started */
export async function prepareSampling(flags: SamplingFlags): Promise<SampleRequest> {
  const { checkpoint, samples } = flags;
  if ((flags.steps ?? 0) > MOST_STEPS) {
    throw new UsageError({
      code: 'invalid-flag-value',
      message: `--steps takes at most ${MOST_STEPS} steps, not ${flags.steps}.`,
      hint: 'A few hundred are usually enough: more steps than tokens change little.',
    });
  }
  const chosen = flags.sampler === undefined ? null : chosenSampler(flags.sampler);
  const sampler = await samplerOf(chosen?.spec, checkpoint);
  const options = samplerOptions(sampler.sampler, [...flags.samplerOptions, ...(chosen?.options ?? [])]);
  const length = sampleLength(checkpoint, flags.length);
  const tokenizer = await tokenizerOf(checkpoint, flags.tokenizer);
  const given =
    flags.prompt !== undefined
      ? promptTokens(flags.prompt, tokenizer, length)
      : flags.infill !== undefined
        ? infillTokens(flags.infill, tokenizer, length)
        : null;
  const batch = batchOf(checkpoint, length, flags.batch);
  const request: SampleRequest = {
    ...flags,
    tokenizer,
    sampler,
    options,
    length,
    // An autoregressive sampler takes one step per token.
    steps: checkpoint.family === 'ar' ? length : (flags.steps ?? checkpoint.schedule?.steps ?? DEFAULT_STEPS),
    batch: Math.min(batch, samples),
    given,
  };
  await checkSampleRequest(request);
  return request;
}

/** That EOS serves as BOS, where it does: samples of ar models and prompts begin with it, real text beside them is wrapped in it. */
export function samplingNotice({ checkpoint, tokenizer }: SampleRequest): string | null {
  const notice = bosNotice(tokenizer);
  return notice && `${checkpoint.name}: ${notice}`;
}

/** Checks that each output has a separate file. @throws UsageError */
export function checkDistinctPaths(paths: readonly string[]): void {
  const whole = paths.map((path) => resolve(path));
  const twice = paths.find((_, i) => whole.indexOf(whole[i]) !== i);
  if (twice === undefined) return;
  throw new UsageError({
    code: 'repeated-output',
    message: `${twice} is given for two outputs.`,
    hint: '--out, --trace and --trace-html each need a name of their own.',
  });
}

async function samplerOf(asked: string | undefined, checkpoint: Checkpoint): Promise<ResolvedSampler> {
  const spec = asked ?? samplersFor(checkpoint.family)[0];
  if (spec !== undefined) return resolveSampler(spec);
  throw new UsageError({
    code: 'no-sampler',
    message: `No sampler of this program drives ${checkpoint.family} models.`,
    hint: 'Give --sampler the path of a module of your own.',
  });
}

/** The tokenizer of a checkpoint, with the BOS and EOS of its card. @throws ModelError `no-tokenizer`, DataError, FileError */
export async function tokenizerOf(checkpoint: Checkpoint, override: string | undefined): Promise<Tokenizer> {
  const { tokenizer, bosTokenId, eosTokenId } = checkpoint.fields;
  const path = override ?? tokenizer.value;
  if (path === null) {
    throw new ModelError({
      code: 'no-tokenizer',
      message: `Nothing says which tokenizer ${checkpoint.name} was trained with.`,
      hint: 'Give --tokenizer (a folder or a tokenizer.json), or "tokenizer" in its card.',
    });
  }
  return loadTokenizer(path, {
    bosTokenId: bosTokenId.value ?? undefined,
    eosTokenId: eosTokenId.value ?? undefined,
  });
}
