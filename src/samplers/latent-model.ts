/**
 * What a checkpoint with a Gaussian latent beside it is to a sampler: `run.latent`. The latent w, K floats a token, stays
 * with the model; a sampler says how noisy it is and where it goes.
 */
export interface LatentModel {
  begin(batch: LatentBatch): LatentDecoding;
}

/** Sequences to be written. */
export interface LatentBatch {
  /** What it is, for errors: `samples 0 to 7`. */
  label: string;
  batch: number;
  length: number;
  /** [batch × length]: given tokens where `given` is 1. */
  tokens: Int32Array;
  given: Uint8Array;
}

/** The first latent is standard normal; z is the place of each token's largest entry. */
export interface LatentDecoding {
  /** Calls of the network so far, each of them on the whole batch. */
  readonly networkCalls: number;
  /** One call: x̂ given z and the latent, then the move. */
  step(step: LatentStep): Promise<LatentAnswer>;
  /** Frees the latent. */
  release(): void;
}

export interface LatentStep {
  /** −ln α: the discrete noise level the model is told. */
  sigma: number;
  /** α̃/σ̃² of the latent as it is; 0 for pure noise. */
  evidence: number;
  /** The draw's numbers of [0, 1), [batch × length]. */
  uniforms: Float64Array;
  /** Null: the latent is not needed any more. */
  move: LatentMove | null;
}

/** w ← keep·w + signal·x̂ + noise·ε, with ε of its own for each `step` ≥ 1 (0 is the first latent's). */
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
