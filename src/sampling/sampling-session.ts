/** A running checkpoint in the form that a sampler needs: with the draw head, from left to right, or with a Gaussian latent. */

import type { Checkpoint } from '../models/checkpoint.js';
import type { Placement } from '../models/provider.js';
import type { RunningModel } from '../models/running-model.js';
import type { DrawSettings } from '../records/samples-file.js';
import type { OptionValue, Sampler } from '../samplers/sampler.js';
import type { ModelSource } from './generation-plan.js';

export interface SamplingSessionOptions extends DrawSettings {
  checkpoint: Checkpoint;
  sampler: Sampler;
  /** Options of the sampler. */
  options: Readonly<Record<string, OptionValue>>;
  provider: Placement;
  threads?: number;
  timeoutMs?: number;
  /** Its BOS and EOS apply to an autoregressive model if the checkpoint names none. */
  tokenizer?: { bosTokenId: number | null; eosTokenId: number | null };
  /** Called with remarks for the user. */
  notice?: (text: string) => void;
}

export interface SamplingSession extends RunningModel {
  /** What answers the sampler. */
  readonly source: ModelSource;
}

/** @throws UsageError for draw settings out of range   @throws ModelError when the runtime refuses the graph */
export async function startSamplingSession(options: SamplingSessionOptions): Promise<SamplingSession> {
  const { checkpoint, sampler, notice } = options;
  if (checkpoint.family === 'ar') {
    const { CausalSession } = await import('./causal-session.js');
    const session = await CausalSession.start(options);
    if (!session.cached)
      notice?.(`${checkpoint.name}: uncached; every draw reads all tokens before it, which takes longer.`);
    return session;
  }
  if (sampler.needs === 'latent') {
    const { LatentSession } = await import('./latent-session.js');
    return LatentSession.start({ ...options, mean: options.options.mean === true });
  }
  const { startDrawSession } = await import('./draw-session.js');
  return startDrawSession({ ...options, score: sampler.score?.(options.options) ?? null });
}
