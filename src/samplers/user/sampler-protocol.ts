/**
 * The messages between this program (sampler-host.ts) and the thread that a user's sampler runs in (sampler-thread.ts), and how
 * this program answers the sampler's model calls.
 */
import type { ScheduleSettings } from '../../diffusion/schedule.js';
import type { CausalDecoding, DecodingBatch, LatentDecoding, LatentStep } from '../decoding.js';
import type { DenoiseCall, SamplerSetting, SamplingRun } from '../sampler.js';

/** A sampler may be this many steps ahead of the checks of its steps: waiting for each would cost more than most steps do. */
export const MOST_STEPS_AHEAD = 8;

/** The thread's worker data. */
export interface ThreadTask {
  /** Address of the module, `file://…`. */
  module: string;
}

/** A schedule without its functions, which the thread makes again. */
export type PlainSchedule = ScheduleSettings | null;

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

/** A call of the model by the sampler. `decoding` numbers the batches it began. */
export type ModelCall =
  | { what: 'denoise'; call: DenoiseCall; tokens: Int32Array }
  | { what: 'begin-causal'; decoding: number; batch: DecodingBatch }
  | { what: 'draw'; decoding: number; position: number; uniforms: Float64Array }
  | { what: 'begin-latent'; decoding: number; batch: DecodingBatch }
  | { what: 'latent-step'; decoding: number; step: LatentStep }
  | { what: 'release'; decoding: number };

/** An error on its way from the thread: one of this program's, by its number, or one that the module threw. */
export type ThrownError = { own: number } | { message: string; stack: string };

/** One of this program's errors on its way to the thread. */
export interface SentError {
  own: number;
  name: string;
  message: string;
  code?: string;
  hint?: string | null;
}

/** `networkCalls`: those of the decoding so far, if the call belongs to one. */
export type ModelAnswer = { value: unknown; networkCalls?: number } | { error: SentError };

export type ToThread =
  | { kind: 'check'; setting: PlainSetting }
  | { kind: 'sample'; run: number; facts: PlainRun }
  /** This many more steps were checked. */
  | { kind: 'checked-steps'; run: number; steps: number }
  | { kind: 'stop'; run: number }
  | { kind: 'answer'; call: number; answer: ModelAnswer };

/** `replaced` and `yielded` are what a sampler must not do; generate.ts refuses them. */
export interface StepTaken {
  tokens: Int32Array;
  replaced: boolean;
  yielded: boolean;
}

export type FromThread =
  /** The default export, with the types of functions in place of functions. */
  | { kind: 'loaded'; description: unknown }
  | { kind: 'broken'; error: ThrownError }
  | { kind: 'checked'; error?: ThrownError }
  | ({ kind: 'step' | 'done'; run: number } & StepTaken)
  | { kind: 'failed'; run: number; error: ThrownError }
  | { kind: 'stopped'; run: number }
  /** Calls with an id are answered. */
  | { kind: 'call'; run: number; id: number | null; call: ModelCall }
  /** The thread has nothing left to wait for, yet the sampler has not ended. */
  | { kind: 'idle' };

/** Passes the model calls of one run on to the model. */
export class SamplerCalls {
  private readonly decodings = new Map<number, CausalDecoding | LatentDecoding>();
  /** Errors of decodings that could not begin; the first call of such a decoding throws its error. */
  private readonly refusals = new Map<number, unknown>();

  constructor(private readonly run: SamplingRun) {}

  /** @returns the model's answer, and the network calls of its decoding so far   @throws what the model throws */
  async answer(call: ModelCall): Promise<{ value: unknown; networkCalls?: number }> {
    const { run, decodings } = this;
    switch (call.what) {
      case 'denoise':
        run.tokens.set(call.tokens);
        return { value: await run.denoise(call.call) };
      case 'begin-causal':
        return this.begin(call.decoding, () => run.causal!.begin(call.batch)); // the thread has run.causal only if we do
      case 'begin-latent':
        return this.begin(call.decoding, () => run.latent!.begin(call.batch)); // likewise
      case 'draw': {
        const decoding = this.begun(call.decoding) as CausalDecoding;
        const value = await decoding.draw(call.position, call.uniforms);
        return { value, networkCalls: decoding.networkCalls };
      }
      case 'latent-step': {
        const decoding = this.begun(call.decoding) as LatentDecoding;
        const value = await decoding.step(call.step);
        return { value, networkCalls: decoding.networkCalls };
      }
      case 'release':
        decodings.get(call.decoding)?.release();
        return { value: null };
    }
  }

  private begin(decoding: number, begin: () => CausalDecoding | LatentDecoding): { value: null } {
    try {
      this.decodings.set(decoding, begin());
    } catch (error) {
      this.refusals.set(decoding, error);
    }
    return { value: null };
  }

  private begun(decoding: number): CausalDecoding | LatentDecoding {
    const known = this.decodings.get(decoding);
    if (!known) throw this.refusals.get(decoding);
    return known;
  }
}
