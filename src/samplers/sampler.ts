/**
 * What a sampler is, and what it is given: the built-in ones and a user's module (`--sampler ./mine.mjs`) alike.
 *
 * A sampler turns a batch of noise into text, in place, and yields after every step. All that is random comes through
 * `uniforms` and `denoise`, as functions of (seed, sample, step, purpose): so a sample does not depend on its batch.
 */
import type { NoiseSchedule } from '../diffusion/schedule.js';
import type { Family } from '../models/family.js';
import type { CausalModel } from './causal-model.js';
import type { LatentModel } from './latent-model.js';

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
  /** What it needs of the model in place of `denoise`: a Gaussian latent beside it (`run.latent`). Models of the family ar
   *  always come as `run.causal`. */
  readonly needs?: 'latent';
  readonly options?: Readonly<Record<string, OptionSpec>>;
  /** Refuses settings it cannot work with, before a model is started. */
  check?(setting: SamplerSetting): void | Promise<void>;
  /**
   * Turns `run.tokens` into samples, in place; yields when a step is done.
   * @param outside of interest to who runs a sampler elsewhere; a module is not given it
   */
  sample(run: SamplingRun, outside?: Outside): AsyncGenerator<void, void, void>;
}

/** What a batch is bound to, beside what its sampler is told. */
export interface Outside {
  seed: number;
  /** Number of the batch's first sample. */
  first: number;
  signal?: AbortSignal;
  /** Most milliseconds that a user's module may take for a step, the model's calls not counted. */
  timeoutMs?: number;
}

/** What is known of a run before it begins. */
export type SamplerSetting = Pick<
  SamplingRun,
  'family' | 'schedule' | 'timeConditioned' | 'length' | 'steps' | 'options'
>;

/** Purposes of the numbers that `uniforms` gives: one never serves two. The draw from x_θ has its own, in `denoise`. */
export type Purpose = 'component' | 'token' | 'own-1' | 'own-2';

/** One batch of samples on its way. Arrays over the batch are [batch × length], sample after sample. */
export interface SamplingRun {
  readonly family: Family;
  /** K: width of the logits, the mask included where there is one. */
  readonly vocabSize: number;
  readonly maskTokenId: number | null;
  /** Of the checkpoint; null for ar. */
  readonly schedule: NoiseSchedule | null;
  /** Whether the network reads the time: if not, equal tokens have an equal x_θ at any time. */
  readonly timeConditioned: boolean;
  readonly batch: number;
  readonly length: number;
  readonly steps: number;
  readonly options: Readonly<Record<string, OptionValue>>;
  /** z, changed in place. At first the prior: uniform tokens or masks; given tokens where `fixed`. */
  readonly tokens: Int32Array;
  /** 1 where a token is given (prompt, infill): what a sampler writes there is undone after its step. */
  readonly fixed: Uint8Array;
  /** Numbers of [0, 1), [batch × length]; valid until the next call for the same purpose. */
  uniforms(purpose: Purpose, step: number): Float64Array;
  /** One model call for each sequence of the batch on the tokens as they are. */
  denoise(call: DenoiseCall): Promise<Denoised>;
  /** What the batch is, for errors: `samples 0 to 7`. */
  readonly label?: string;
  /** Of autoregressive checkpoints: draws from left to right, keys and values kept. */
  readonly causal?: CausalModel;
  /** Of uniform-state checkpoints: a Gaussian latent a token, kept beside the model. */
  readonly latent?: LatentModel;
}

export interface DenoiseCall {
  /** Time in [0, 1]: the model is told σ(t). */
  t: number;
  /** Which of the sampler's calls this is, from 0: the draw's random numbers follow from it. */
  step: number;
  /** Take the most probable token instead of drawing; temperature and top-p are not applied. No, unless said. */
  greedy?: boolean;
  /** [batch]: 1 for a sequence that needs no call; what is returned for it has no meaning. */
  skip?: Uint8Array;
}

/** What a step needs of the model, [batch × length]. Masked families: at masked positions only, elsewhere without meaning. */
export interface Denoised {
  /** A draw from x_θ (SEDD: from the scores, normalised), or its largest entry. */
  readonly token: Int32Array;
  /** x_θ of that token. */
  readonly probability: Float64Array;
  /** x_θ of the present token z. Uniform-state families only; else null. */
  readonly present: Float64Array | null;
  /** SEDD: Σ_v of the scores, which are not probabilities; else null. */
  readonly scoreSum: Float64Array | null;
}

/**
 * A checkpoint that answers `denoise`. The draw head (draw-session.ts) is one; so is any closed form in a test.
 * Temperature, top-k and top-p are its own.
 */
export interface Denoiser {
  denoise(request: DenoiserRequest): Promise<Denoised>;
}

export interface DenoiserRequest {
  /** [batch × length] */
  tokens: Int32Array;
  batch: number;
  length: number;
  /** −ln α_t, before the checkpoint's time conditioning is looked at; null for ar. */
  sigma: number;
  /** The draw's numbers of [0, 1), [batch × length]; null: the most probable token. */
  uniforms: Float64Array | null;
}
