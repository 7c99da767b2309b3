/** What a user's module asks of the model from its thread, asked here of the model itself. */
import type { CausalDecoding } from '../causal-model.js';
import type { LatentDecoding } from '../latent-model.js';
import type { SamplingRun } from '../sampler.js';
import type { ModelCall } from './sampler-protocol.js';

export class SamplerCalls {
  private readonly decodings = new Map<number, CausalDecoding | LatentDecoding>();
  /** Why one could not be begun: said by the first call that builds on it. */
  private readonly refusals = new Map<number, unknown>();

  constructor(private readonly run: SamplingRun) {}

  /** @returns what the model answers, and the network's calls so far where it keeps a state   @throws what the model throws */
  async answer(call: ModelCall): Promise<{ value: unknown; networkCalls?: number }> {
    const { run, decodings } = this;
    switch (call.what) {
      case 'denoise':
        run.tokens.set(call.tokens);
        return { value: await run.denoise(call.call) };
      case 'begin-causal':
        return this.begin(call.decoding, () => run.causal!.begin(call.batch));
      case 'begin-latent':
        return this.begin(call.decoding, () => run.latent!.begin(call.batch));
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
