/**
 * What a sampler is and what it gets: the same for built-in samplers and for a user's module (`--sampler ./mine.mjs`).
 *
 * A sampler turns a batch of noise into text, in place, and yields after every step. Everything random comes from `uniforms`
 * and `denoise`, as functions of (seed, sample, step, purpose), so a sample does not depend on its batch.
 */
import type { NoiseSchedule } from '../diffusion/schedule.js';
import type { ScoredOrder } from '../diffusion/unmasking.js';
import type { Family } from '../models/family.js';
import type { CausalModel, LatentModel } from './decoding.js';

export type OptionValue = number | string | boolean;

/** One option of a sampler; its type is that of its default. */
export interface OptionSpec {
  default: OptionValue;
  summary: string;
  /** Limits of a number, both allowed. */
  min?: number;
  max?: number;
  choices?: readonly string[];
}

export interface Sampler {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Families whose models it can drive. */
  readonly families: readonly Family[];
  /** What it needs in place of `denoise`: a Gaussian latent beside the model (`run.latent`). Models of the family ar always
   *  come as `run.causal`. */
  readonly needs?: 'latent';
  readonly options?: Readonly<Record<string, OptionSpec>>;
  /** Names that others give it with certain options: the values of these. */
  readonly aliases?: Readonly<Record<string, Readonly<Record<string, OptionValue>>>>;
  /** The score that its calls ask for (`DenoiseCall.score`), so that the model is started with it; null: none. */
  score?(options: Readonly<Record<string, OptionValue>>): ScoredOrder | null;
  /** Throws if it cannot work with the settings; called before a model is started. */
  check?(setting: SamplerSetting): void | Promise<void>;
  /**
   * Turns `run.tokens` into samples, in place; yields after each step.
   * @param outside for samplers that run in another thread; a user's module does not get it
   */
  sample(run: SamplingRun, outside?: Outside): AsyncGenerator<void, void, void>;
}

/** A sampler as a user names it, and its options; without any of its own, it may take shared ones. */
export interface ChosenSampler {
  /** A name, an alias, or the path of a module. */
  spec: string;
  /** `key=value` */
  options?: readonly string[];
}

/** `psi`, `./mine.mjs`, or with options after a colon: `psi:preset=remdm-cap,eta=0.04`. */
export function chosenSampler(text: string): ChosenSampler {
  const [, spec, options] = /^(.+?):([\w-]+=[^,]*(?:,[\w-]+=[^,]*)*)$/s.exec(text) ?? [];
  return spec === undefined ? { spec: text } : { spec, options: options.split(',') };
}

export interface ResolvedSampler {
  sampler: Sampler;
  /** The user's module that it comes from; null for a built-in sampler and for a registered one. */
  module: UserModule | null;
  /** Of a registered sampler: what its samples are kept under, beside its name. */
  version?: string;
}

export interface UserModule {
  /** As given. */
  path: string;
  /** Digest of the file; files that it imports are not included. */
  sha256: string;
}

/** Facts about a batch that a sampler itself must not depend on. */
export interface Outside {
  seed: number;
  /** Number of the batch's first sample. */
  first: number;
  signal?: AbortSignal;
  /** Most milliseconds that a user's module may take for a step, model calls not included. */
  timeoutMs?: number;
}

/** What is known of a run before it begins. */
export type SamplerSetting = Pick<
  SamplingRun,
  'family' | 'blockSize' | 'schedule' | 'timeConditioned' | 'length' | 'steps' | 'options'
>;

/** Purposes of random numbers: a number serves only one. The draw from x_θ has its own numbers, in `denoise`. */
export type Purpose = 'component' | 'token' | 'own-1' | 'own-2';

/** A batch being sampled. Arrays over the batch are [batch × length], sample after sample. */
export interface SamplingRun {
  readonly family: Family;
  /** K: width of the logits, the mask included where there is one. */
  readonly vocabSize: number;
  readonly maskTokenId: number | null;
  /** Block diffusion: tokens per block. Answers are about the first block of a sequence that has a mask; the blocks before it are
   *  known, those after it are not seen. */
  readonly blockSize?: number;
  /** Of the checkpoint; null for ar. */
  readonly schedule: NoiseSchedule | null;
  /** Whether the network reads the time. If not, x_θ depends on the tokens alone. */
  readonly timeConditioned: boolean;
  readonly batch: number;
  readonly length: number;
  readonly steps: number;
  readonly options: Readonly<Record<string, OptionValue>>;
  /** z, changed in place. At first a draw from the prior, uniform tokens or masks, with given tokens where `fixed`. */
  readonly tokens: Int32Array;
  /** 1 where a token is given (prompt, infill); it is restored after each step. */
  readonly fixed: Uint8Array;
  /** Numbers of [0, 1), [batch × length]; valid until the next call for the same purpose. */
  uniforms(purpose: Purpose, step: number): Float64Array;
  /** One model call per sequence of the batch, on the current tokens. */
  denoise(call: DenoiseCall): Promise<Denoised>;
  /** What the batch is, for errors: `samples 0 to 7`. */
  readonly label?: string;
  /** Autoregressive checkpoints only: draws from left to right, with cached keys and values. */
  readonly causal?: CausalModel;
  /** Uniform-state checkpoints only, for samplers that need it: a Gaussian latent per token, kept beside the model. */
  readonly latent?: LatentModel;
}

export interface DenoiseCall {
  /** Time in [0, 1]: the model reads σ(t). */
  t: number;
  /** Number of the call, from 0, rising: the draw's random numbers are a function of it. */
  step: number;
  /** Take the most probable token instead of drawing; temperature, top-k and top-p are not applied. Default: false. */
  greedy?: boolean;
  /** [batch]: 1 for a sequence that needs no call; its part of the answer has no meaning. */
  skip?: Uint8Array;
  /** [batch × length]: 1 for a token whose answer is needed; that of the others is 0. Projecting to the vocabulary is a good part
   *  of a call. Default: all. */
  where?: Uint8Array;
  /** Masked families: the answer has this score of each masked position too. Default: none. */
  score?: ScoredOrder;
}

/** The model's answer, [batch × length]. Masked families: meaningful at masked positions only. */
export interface Denoised {
  /** A draw from x_θ (SEDD: from the normalised scores), or the most probable token. */
  readonly token: Int32Array;
  /** x_θ of that token. */
  readonly probability: Float64Array;
  /** x_θ of the present token z, in uniform-state families; in d3pm, what the network gives the mask; else null. */
  readonly present: Float64Array | null;
  /** SEDD: the sum of the scores over the vocabulary, which is not 1; else null. */
  readonly scoreSum: Float64Array | null;
  /** The score that the call asks for, of the network's own distribution: temperature, top-k and top-p do not change it. */
  readonly score?: Float64Array;
}

/**
 * Answers `denoise`: a checkpoint with the draw head (sampling/draw-session.ts), or a closed form in a test. Temperature,
 * top-k and top-p are its own settings.
 */
export interface Denoiser {
  denoise(request: DenoiserRequest): Promise<Denoised>;
}

export interface DenoiserRequest {
  /** [batch × length] */
  tokens: Int32Array;
  batch: number;
  length: number;
  /** −ln α_t; a checkpoint without time conditioning reads 0 instead. */
  sigma: number;
  /** Numbers of [0, 1) for the draw, [batch × length]; null: take the most probable token. */
  uniforms: Float64Array | null;
  /** As in {@link DenoiseCall}; what it does not ask for may be answered. */
  where?: Uint8Array;
  /** As in {@link DenoiseCall}. */
  score?: ScoredOrder;
}
