/** A checkpoint running in the form that a sampler needs: with the draw head, left to right, or with a Gaussian latent. */
import type { Checkpoint } from '../models/checkpoint.js';
import type { Provider } from '../models/provider.js';
import type { OptionValue, Sampler } from '../samplers/sampler.js';
import type { ModelSource } from './generate.js';

export interface SamplingSessionOptions {
  checkpoint: Checkpoint;
  sampler: Sampler;
  /** Of the sampler. */
  options: Readonly<Record<string, OptionValue>>;
  provider: Provider;
  threads?: number;
  timeoutMs?: number;
  temperature: number;
  topK: number | null;
  topP: number | null;
  /** Whose BOS and EOS an autoregressive model writes, where the checkpoint itself does not say. */
  tokenizer?: { bosTokenId: number | null; eosTokenId: number | null };
  /** Told what the user should know of how it runs. */
  notice?: (text: string) => void;
}

export interface SamplingSession {
  readonly source: ModelSource;
  readonly provider: Provider;
  readonly threads: number;
  /** Seconds inside the runtime so far. */
  readonly runSeconds: number;
  close(): Promise<void>;
}

/** @throws UsageError for draw settings out of range   @throws ModelError when the runtime refuses the graph */
export async function startSamplingSession(options: SamplingSessionOptions): Promise<SamplingSession> {
  const { checkpoint, sampler, notice } = options;
  if (checkpoint.family === 'ar') {
    const { CausalSession } = await import('./causal-session.js');
    const session = await CausalSession.start(options);
    if (!session.cached)
      notice?.(`${checkpoint.name}: uncached; every token reads all before it, which takes longer.`);
    return running(session, { denoiser: null, causal: session });
  }
  if (sampler.needs === 'latent') {
    const { LatentSession } = await import('./latent-session.js');
    const session = await LatentSession.start({ ...options, mean: options.options.mean === true });
    return running(session, {
      denoiser: null,
      latent: (seed, samples) => session.forSamples(seed, samples),
    });
  }
  const { startDrawSession } = await import('./draw-session.js');
  const session = await startDrawSession(options);
  return running(session, { denoiser: session });
}

type Session = Omit<SamplingSession, 'source'>;

/** Its getters stay getters: threads and seconds are known later. */
function running(session: Session, source: ModelSource): SamplingSession {
  return {
    source,
    get provider() {
      return session.provider;
    },
    get threads() {
      return session.threads;
    },
    get runSeconds() {
      return session.runSeconds;
    },
    close: () => session.close(),
  };
}
