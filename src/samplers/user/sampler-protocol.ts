/** The messages between this program and the thread that a user's sampler runs in (sampler-thread.ts). */
import type { ScheduleType } from '../../diffusion/schedule.js';
import type { CausalBatch } from '../causal-model.js';
import type { LatentBatch, LatentStep } from '../latent-model.js';
import type { DenoiseCall, SamplerSetting, SamplingRun } from '../sampler.js';

/** A sampler goes on while its steps are looked at, since waiting would cost more than most steps; but no further ahead. */
export const MOST_STEPS_AHEAD = 8;

/** What the thread is started with. */
export interface ThreadTask {
  /** Address of the module, `file://…`. */
  module: string;
}

/** A schedule without its functions, which follow from it. */
export type PlainSchedule = { type: ScheduleType; eps: number } | null;

export type PlainSetting = Omit<SamplerSetting, 'schedule'> & { schedule: PlainSchedule };

/** A run without its functions. */
export type PlainRun = Omit<SamplingRun, 'schedule' | 'uniforms' | 'denoise' | 'causal' | 'latent'> & {
  schedule: PlainSchedule;
  seed: number;
  /** Number of the batch's first sample. */
  first: number;
  causal: { cached: boolean; bosTokenId: number | null; eosTokenId: number | null } | null;
  latent: boolean;
};

/** What a sampler asks of its model. `decoding` is the number of what it began. */
export type ModelCall =
  | { what: 'denoise'; call: DenoiseCall; tokens: Int32Array }
  | { what: 'begin-causal'; decoding: number; batch: CausalBatch }
  | { what: 'draw'; decoding: number; position: number; uniforms: Float64Array }
  | { what: 'begin-latent'; decoding: number; batch: LatentBatch }
  | { what: 'latent-step'; decoding: number; step: LatentStep }
  | { what: 'release'; decoding: number };

/** An error as it crosses: one of this program's by its number, or what the module threw. */
export type PlainError = { own: number } | { message: string; stack: string };

/** One of this program's errors as a module sees it. */
export interface ToldError {
  own: number;
  name: string;
  message: string;
  code?: string;
  hint?: string | null;
}

/** `networkCalls`: of the decoding, where the call was of one. */
export type ModelAnswer = { value: unknown; networkCalls?: number } | { error: ToldError };

export type ToThread =
  | { kind: 'check'; setting: PlainSetting }
  | { kind: 'sample'; run: number; facts: PlainRun }
  /** So many more steps were looked at. */
  | { kind: 'seen'; run: number; steps: number }
  | { kind: 'stop'; run: number }
  | { kind: 'answer'; call: number; answer: ModelAnswer };

/** `replaced`, `yielded`: what a sampler must not do, for generate.ts to say so. */
export interface StepTaken {
  tokens: Int32Array;
  replaced: boolean;
  yielded: boolean;
}

export type FromThread =
  /** Its default export, functions told by their type alone. */
  | { kind: 'loaded'; description: unknown }
  | { kind: 'broken'; error: PlainError }
  | { kind: 'checked'; error?: PlainError }
  | ({ kind: 'step' | 'done'; run: number } & StepTaken)
  | { kind: 'failed'; run: number; error: PlainError }
  | { kind: 'stopped'; run: number }
  /** Calls with an id are answered. */
  | { kind: 'call'; run: number; id: number | null; call: ModelCall }
  /** Nothing is left to wait for, and yet the sampler has not come to its end. */
  | { kind: 'idle' };
