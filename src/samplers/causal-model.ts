/**
 * What an autoregressive model is to a sampler: `run.causal`. The tokens so far and what the network remembers of them stay
 * with the model; a sampler asks for one position after another and is answered the tokens drawn there.
 */
export interface CausalModel {
  /** Whether keys and values of earlier tokens are kept. If not, every token reads all before it: results must say so. */
  readonly cached: boolean;
  /** What stands before the first token, where none is given. */
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  begin(batch: CausalBatch): CausalDecoding;
}

/** Sequences to be written. */
export interface CausalBatch {
  /** What it is, for errors: `samples 0 to 7`. */
  label: string;
  batch: number;
  length: number;
  /** [batch × length]: given tokens where `given` is 1. The first position of each is given. */
  tokens: Int32Array;
  given: Uint8Array;
}

export interface CausalDecoding {
  /** Calls of the network so far, each of them on the whole batch. */
  readonly networkCalls: number;
  /**
   * Draws the tokens at a position, later than that of the call before. Several calls may wait for their answers.
   * @param uniforms of [0, 1), [batch]   @returns [batch]: drawn, or given where they are given
   */
  draw(position: number, uniforms: Float64Array): Promise<Int32Array>;
  /** Frees what is kept. */
  release(): void;
}
