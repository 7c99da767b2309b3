/** A request for samples, and the checks that refuse an impossible one. */

import type { Tokenizer } from '../datasets/tokenizer.js';
import { noiseSchedule, type Protocol } from '../diffusion/schedule.js';
import { DataError, ModelError, UsageError } from '../errors.js';
import type { Checkpoint } from '../models/checkpoint.js';
import { hasBlocks, isFirstGiven, isMasked, usesMask } from '../models/family.js';
import { checkMemory } from '../models/memory-budget.js';
import { checkPositions } from '../models/positions.js';
import type { Placement } from '../models/provider.js';
import type { DrawSettings } from '../records/samples-file.js';
import { checkFamily } from '../samplers/registry.js';
import type { OptionValue, ResolvedSampler } from '../samplers/sampler.js';
import { checkDrawSettings } from './draw-settings.js';
import { usersFault } from './generate.js';
import type { GivenTokens, SampledModel } from './generation-plan.js';

/** What `duo-eval sample` and the evaluations of samples ask for. */
export interface SampleRequest extends DrawSettings {
  checkpoint: Checkpoint;
  tokenizer: Tokenizer;
  sampler: ResolvedSampler;
  options: Readonly<Record<string, OptionValue>>;
  steps: number;
  samples: number;
  /** Tokens per sample. */
  length: number;
  /** Samples per call; no sample depends on it. */
  batch: number;
  seed: number;
  given: GivenTokens | null;
  /** How tokens become text: duo cleans up spaces. */
  protocol: Protocol;
  provider: Placement;
  threads?: number;
  timeoutMs?: number;
  /** Ignore the samples that an earlier, stopped run finished. */
  fresh: boolean;
  /** Keep every step's tokens. */
  traced: boolean;
}

/** Refuses an impossible request before a model is started. @throws UsageError, ModelError, DataError */
export async function checkSampleRequest(request: SampleRequest): Promise<SampledModel> {
  const { checkpoint, sampler, given, steps, length, options } = request;
  checkFamily(sampler.sampler, checkpoint.family, checkpoint.name);
  checkDrawSettings(request);
  if (!(Number.isInteger(steps) && steps >= 1)) {
    throw new UsageError({
      code: 'steps-out-of-range',
      message: `A sampler takes at least 1 step, not ${steps}.`,
      hint: 'Give --steps a whole number from 1 on.',
    });
  }
  const model = sampledModel(checkpoint, request.tokenizer);
  try {
    await sampler.sampler.check?.({ ...model, length, steps, options });
  } catch (error) {
    throw usersFault(error, sampler, 'refuses the settings');
  }
  if (given) checkGiven(given, request, model);
  if (given && hasBlocks(checkpoint)) checkGivenBefore(given, checkpoint.blockSize);
  checkSomethingDrawn(request);
  // Block diffusion writes texts of any length: its window slides over them.
  const window = hasBlocks(checkpoint) ? (checkpoint.fields.length.value ?? length) : length;
  const read = Math.min(length, window);
  checkPositions(checkpoint, Math.max(read, checkpoint.signature.fixedLength ?? 0));
  // With cached keys and values, an ar model reads one token at a time.
  checkMemory(checkpoint, {
    length: checkpoint.signature.fixedLength ?? (checkpoint.family === 'ar' ? 1 : read),
  });
  return model;
}

/** The facts about a checkpoint that a sampler may use. @param tokenizer its BOS applies where the checkpoint names none */
export function sampledModel(
  checkpoint: Checkpoint,
  tokenizer: { bosTokenId: number | null } | null = null,
): SampledModel {
  const { family, vocabSize, schedule, maskTokenId, fields, name, signature } = checkpoint;
  return {
    name,
    family,
    vocabSize,
    maskTokenId,
    ...(hasBlocks(checkpoint) && { blockSize: checkpoint.blockSize }),
    ...(isMasked(family) &&
      isFirstGiven(checkpoint) && {
        firstToken: fields.bosTokenId.value ?? tokenizer?.bosTokenId ?? null,
      }),
    schedule: schedule && noiseSchedule(schedule),
    timeConditioned: signature.sigma !== null && fields.timeConditioning.value,
  };
}

/** Tokens of each sample that the model does not write: given ones, or the first where texts begin with a given token. */
export function givenCount(request: Pick<SampleRequest, 'checkpoint' | 'tokenizer' | 'given'>): number {
  const { checkpoint, tokenizer, given } = request;
  if (given) return given.fixed.reduce((sum, one) => sum + one, 0);
  const { family, firstToken = null } = sampledModel(checkpoint, tokenizer);
  return family === 'ar' || firstToken !== null ? 1 : 0;
}

/** @throws DataError for a token outside the model's vocabulary, or its mask */
function checkGiven(
  { tokens, fixed }: GivenTokens,
  { checkpoint }: SampleRequest,
  model: SampledModel,
): void {
  const bad = tokens.find(
    (token, l) => fixed[l] === 1 && (token >= model.vocabSize || token === maskOf(model)),
  );
  if (bad === undefined) return;
  throw new DataError({
    code: 'given-token-not-in-model',
    message:
      bad === maskOf(model)
        ? `The given text holds the token ${bad}, which is the mask of ${checkpoint.name}.`
        : `The given text holds the token ${bad}; those of ${checkpoint.name} are 0 to ${model.vocabSize - 1}.`,
    hint: 'Check that the tokenizer is the one the model was trained with.',
  });
}

/**
 * Block diffusion writes its blocks from left to right: what is given in a later block than the first gap could not be heeded.
 * @throws UsageError `infill-from-left`
 */
function checkGivenBefore({ fixed }: GivenTokens, blockSize: number): void {
  const gap = fixed.indexOf(0);
  const end = (Math.floor(gap / blockSize) + 1) * blockSize;
  if (gap < 0 || fixed.indexOf(1, end) < 0) return;
  throw new UsageError({
    code: 'infill-from-left',
    message: `Block diffusion writes blocks of ${blockSize} tokens from left to right: it cannot fill in before given tokens of later blocks.`,
    hint: 'Use --prompt, or a model of masked diffusion for --infill.',
  });
}

/** An autoregressive text begins with a given token. @throws UsageError `nothing-to-draw` */
function checkSomethingDrawn({ checkpoint, length, given }: SampleRequest): void {
  if (checkpoint.family !== 'ar' || length > 1 || given?.fixed[0] === 0) return;
  throw new UsageError({
    code: 'nothing-to-draw',
    message: `A text of 1 token is what ${checkpoint.name} begins with: nothing would be drawn.`,
    hint: 'Give --length 2 or more.',
  });
}

/** Only families that mask have a mask that means something. */
export function maskOf({ family, maskTokenId }: SampledModel): number | null {
  return usesMask(family) ? maskTokenId : null;
}

/** L: the requested length, else the graph's, else the card's. @throws UsageError, ModelError */
export function sampleLength(checkpoint: Checkpoint, wanted: number | undefined): number {
  const { name, signature, fields } = checkpoint;
  const fixed = signature.fixedLength;
  const asked = wanted ?? fixed ?? fields.length.value;
  if (asked === null) {
    throw new UsageError({
      code: 'no-length',
      message: `Nothing says how long samples of ${name} should be.`,
      hint: 'Give --length.',
    });
  }
  // An ar graph of a fixed length can be padded; all tokens of a denoiser are part of the text.
  if (fixed === null || asked === fixed || (checkpoint.family === 'ar' && asked < fixed)) return asked;
  throw new ModelError({
    code: 'fixed-length',
    message: `The graph of ${name} takes exactly ${fixed} tokens per sequence; ${asked} were asked for.`,
    hint: `Give --length ${fixed}, or export the model with a dynamic length.`,
  });
}
