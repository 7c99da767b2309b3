/** Models that keep a state for a batch, watched: how often their network ran. */
import type { CausalModel } from '../samplers/causal-model.js';
import type { LatentModel } from '../samplers/latent-model.js';

export class CountedStates {
  private readonly begun: { readonly networkCalls: number }[] = [];

  /** Calls so far, each of the whole batch. */
  get calls(): number {
    return this.begun.reduce((sum, { networkCalls }) => sum + networkCalls, 0);
  }

  causal(model: CausalModel): CausalModel {
    return {
      cached: model.cached,
      bosTokenId: model.bosTokenId,
      eosTokenId: model.eosTokenId,
      begin: (batch) => this.watched(model.begin(batch)),
    };
  }

  latent(model: LatentModel): LatentModel {
    return { begin: (batch) => this.watched(model.begin(batch)) };
  }

  private watched<Decoding extends { readonly networkCalls: number }>(decoding: Decoding): Decoding {
    this.begun.push(decoding);
    return decoding;
  }
}
