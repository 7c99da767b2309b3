/** Models that keep state for a batch while it is decoded: `run.causal` and `run.latent` of a sampler. */

/** A batch of sequences to decode. */
export interface DecodingBatch {
  /** What it is, for errors: `samples 0 to 7`. */
  label: string;
  batch: number;
  length: number;
  /** [batch × length]: given tokens where `given` is 1. For causal models, the first position of each sequence is given. */
  tokens: Int32Array;
  given: Uint8Array;
}

/**
 * An autoregressive model. The tokens so far, and the keys and values that the network keeps of them, stay with the model; a
 * sampler draws one position after another.
 */
export interface CausalModel {
  /** Whether keys and values of earlier tokens are kept. If not, every draw reads all tokens before it; results record it. */
  readonly cached: boolean;
  /** The first token of a sequence that begins with no given one. */
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  begin(batch: DecodingBatch): CausalDecoding;
}

export interface CausalDecoding {
  /** Calls of the network so far, each for the whole batch. */
  readonly networkCalls: number;
  /**
   * Draws the tokens at a position, which must be later than that of the previous call. Several calls may be waiting.
   * @param uniforms of [0, 1), [batch]   @returns the drawn tokens, or the given ones, [batch]
   */
  draw(position: number, uniforms: Float64Array): Promise<Int32Array>;
  /** Frees the state. */
  release(): void;
}

/**
 * A checkpoint with a Gaussian latent beside it. The latent w, K floats per token, stays with the model; a sampler gives its
 * noise level and its next move.
 */
export interface LatentModel {
  begin(batch: DecodingBatch): LatentDecoding;
}

/** The first latent is standard normal; z is the index of each token's largest entry. */
export interface LatentDecoding {
  /** Calls of the network so far, each for the whole batch. */
  readonly networkCalls: number;
  /** One call: x̂ given z and the latent, then the move. */
  step(step: LatentStep): Promise<LatentAnswer>;
  /** Frees the latent. */
  release(): void;
}

export interface LatentStep {
  /** −ln α: the discrete noise level that the model reads. */
  sigma: number;
  /** α̃/σ̃² of the latent before the move; 0 for pure noise. */
  evidence: number;
  /** Numbers of [0, 1) for the draw, [batch × length]. */
  uniforms: Float64Array;
  /** Null: the latent is not needed any more. */
  move: LatentMove | null;
}

/** w ← keep·w + signal·x̂ + noise·ε, with a new ε for each `step` ≥ 1 (step 0 is the first latent). */
export interface LatentMove {
  step: number;
  keep: number;
  signal: number;
  noise: number;
}

export interface LatentAnswer {
  /** x̂ ∝ x_θ·exp(evidence·w), a draw, [batch × length]. */
  drawn: Int32Array;
  /** z after the move. */
  z: Int32Array;
}
