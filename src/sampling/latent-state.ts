/**
 * A Gaussian latent inside a session's worker (models/session-state.ts): K floats per token, in one array that the runtime
 * reads in place and a step updates in place. Its noise is made here, block by block, a function of the address
 * (seed, sample, step, position · K + entry). So messages carry only a few numbers per token, no second array has the size
 * of the latent, and a sample does not depend on its batch.
 *
 * A step feeds the network z = argmax w and the latent, and answers x̂; then the latent moves to the next noise level, if
 * there is one (samplers/gaussian.ts has the formulas):  w ← keep·w + signal·x̂ + noise·ε.
 */
import { type Feeds, networkFeeds } from '../models/feeds.js';
import type { Network, StateKind } from '../models/session-state.js';
import type { Signature } from '../models/signature.js';
import { fillNormals, NORMALS_RUN } from '../random/normals.js';
import { streams } from '../random/streams.js';
import type { LatentAnswer, LatentMove } from '../samplers/decoding.js';

/** Names of the head's tensors in the graph. */
export const LATENT = {
  /** float32 [batch · length, vocab] */
  latent: 'duo_eval_latent',
  /** float32 [], α̃/σ̃²: the weight of a latent entry as evidence for its token. */
  evidence: 'duo_eval_evidence',
  /** float32 [batch · length, vocab]: the mean of x̂, if the graph returns it. */
  mean: 'duo_eval_mean',
} as const;

export interface LatentInit {
  signature: Signature;
  /** Names of the graph's outputs: x̂, int64, and its probability, float32; [batch, length] each. */
  token: string;
  probability: string;
  vocabSize: number;
  batch: number;
  length: number;
  /** [batch × length]: the given tokens where `given` is 1. */
  tokens: Int32Array;
  given: Uint8Array;
  seed: number;
  /** Numbers of the samples, [batch]. */
  samples: readonly number[];
}

export interface LatentCall {
  /** What the network reads: −ln α, or 0 without time conditioning. */
  sigma: number;
  /** The head's other inputs, by name: uniforms and evidence. */
  head: Feeds;
  /** Null: the latent is not needed any more. */
  move: LatentMove | null;
}

/** Noise is made for this many entries at a time. */
const BLOCK = 4 * NORMALS_RUN;

class LatentState {
  /** Sequences per run: a fixed batch is filled up with sequences whose answers are dropped. */
  private readonly rows: number;
  /** [rows × length × K] */
  private readonly latent: Float32Array;
  /** argmax of the latent, or the given token, [rows × length]. */
  private readonly z: Int32Array;
  private readonly noise = new Float32Array(BLOCK);

  constructor(private readonly init: LatentInit) {
    const { batch, length, vocabSize, signature } = init;
    this.rows = signature.fixedBatch ?? batch;
    this.latent = new Float32Array(this.rows * length * vocabSize);
    this.z = new Int32Array(this.rows * length);
    this.move({ step: 0, keep: 0, signal: 0, noise: 1 });
    this.read();
  }

  /** @returns x̂, its probability [rows · length], and z of the latent after the move */
  async step(
    { sigma, head, move }: LatentCall,
    network: Network,
  ): Promise<LatentAnswer & { probability: Float32Array }> {
    const { signature, length, vocabSize, batch, token, probability, tokens, given } = this.init;
    const outputs = await network({
      ...networkFeeds(signature, {
        inputIds: BigInt64Array.from(this.z, BigInt),
        batch: this.rows,
        length,
        sigma: new Float32Array(this.rows).fill(sigma),
      }),
      ...head,
      [LATENT.latent]: { type: 'float32', data: this.latent, dims: [this.rows * length, vocabSize] },
    });
    const drawn = Int32Array.from(outputs[token].data.subarray(0, batch * length) as BigInt64Array, Number);
    for (let i = 0; i < drawn.length; i++) if (given[i]) drawn[i] = tokens[i];
    if (move) {
      this.move(move);
      this.add(move.signal, drawn, outputs[LATENT.mean]?.data as Float32Array | undefined);
      this.read();
    }
    return {
      drawn,
      z: this.z.slice(0, batch * length),
      probability: outputs[probability].data as Float32Array,
    };
  }

  /** w ← keep·w + noise·ε. */
  private move({ step, keep, noise }: LatentMove): void {
    const { batch, length, vocabSize, seed, samples } = this.init;
    const { latent } = this;
    const size = length * vocabSize;
    for (let b = 0; b < batch; b++) {
      const address = { seed, stream: streams.latentNoise, sequence: samples[b], step };
      const end = (b + 1) * size;
      for (let from = b * size; from < end; from += BLOCK) {
        const count = Math.min(BLOCK, end - from);
        if (noise === 0) {
          for (let i = 0; i < count; i++) latent[from + i] *= keep;
          continue;
        }
        fillNormals(this.noise, address, from - b * size, count);
        for (let i = 0; i < count; i++) latent[from + i] = keep * latent[from + i] + noise * this.noise[i];
      }
    }
  }

  /** w ← w + signal·x̂, with x̂ a drawn token or the mean; for given tokens, x̂ is the given token. */
  private add(signal: number, drawn: Int32Array, mean: Float32Array | undefined): void {
    const { vocabSize, given } = this.init;
    for (let i = 0; i < drawn.length; i++) {
      const row = i * vocabSize;
      if (mean && !given[i]) {
        for (let v = row; v < row + vocabSize; v++) this.latent[v] += signal * mean[v];
      } else {
        this.latent[row + drawn[i]] += signal;
      }
    }
  }

  /** z from the latent. */
  private read(): void {
    const { vocabSize, batch, length, tokens, given } = this.init;
    const { latent } = this;
    for (let i = 0; i < batch * length; i++) {
      const row = i * vocabSize;
      let best = 0;
      for (let v = 1; v < vocabSize; v++) if (latent[row + v] > latent[row + best]) best = v;
      this.z[i] = given[i] ? tokens[i] : best;
    }
  }
}

export const latentState: StateKind<LatentInit, LatentState> = {
  name: 'latent',
  create: (init) => new LatentState(init),
};
