/** What a generation is given (generate.ts), and what it returns. */
import type { NoiseSchedule } from '../diffusion/schedule.js';
import type { Family } from '../models/family.js';
import type { CausalModel, LatentModel } from '../samplers/decoding.js';
import type { Denoiser, OptionValue, ResolvedSampler } from '../samplers/sampler.js';
import type { SampleAddress } from '../samplers/sampler-uniforms.js';

/** Facts about the model that a sampler may use. */
export interface SampledModel {
  /** For errors. */
  name: string;
  family: Family;
  /** K, the width of the logits. */
  vocabSize: number;
  maskTokenId: number | null;
  /** Tokens per block of block diffusion. */
  blockSize?: number;
  /** Where the first token is given: what a text without a given beginning begins with; null where the model writes that, too. */
  firstToken?: number | null;
  /** Null for ar. */
  schedule: NoiseSchedule | null;
  timeConditioned: boolean;
}

/** Given tokens, the same for every sample. */
export interface GivenTokens {
  /** [length]; meaningful where `fixed` is 1. */
  tokens: Int32Array;
  /** [length] of 0 and 1. */
  fixed: Uint8Array;
}

/** What answers a sampler: a denoiser, or a model that keeps state for each batch. */
export interface ModelSource {
  /** Null if the model comes as `causal` or `latent`. */
  denoiser: Denoiser | null;
  causal?: CausalModel;
  /** @param samples numbers of the batch's samples; the latent's noise is a function of them */
  latent?(seed: number, samples: readonly number[]): LatentModel;
}

/** Everything that decides the samples, and how they are made. */
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
  /** Samples per call; no sample depends on it. */
  batch: number;
  given?: GivenTokens | null;
  /**
   * What each sample is made from, by its place among all, where they share neither `seed` nor `given`: a server's, of several
   * requests. Not for samplers with a latent, nor for a user's module.
   */
  each?: readonly (SampleAddress & { given: GivenTokens | null })[];
  signal?: AbortSignal;
  /** Most milliseconds of its own time that a user's module may take for a step. */
  timeoutMs?: number;
  /** Called with the tokens of a batch before the first step (step 0) and after each; they are valid during the call. */
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
  /** Model calls made for it. */
  nfe: number;
  /** Seconds of its batch, divided by the samples in it. */
  seconds: number;
}
