/**
 * A Gaussian latent inside a session's worker (models/session-state.ts): K floats a token, in one array that the runtime
 * reads where it lies and that a step changes in place. Its noise is made here, block by block, of the address
 * (seed, sample, step, position · K + entry): so no message carries more than a few numbers a token, nothing but the latent
 * itself is of its size, and a sample does not depend on its batch.
 *
 * A call shows the network z = argmax w with the latent beside it, and answers x̂; then, if there is a next level, the latent
 * moves on to it (gaussian.ts has the formulas):  w ← keep·w + signal·x̂ + noise·ε.
 */
import { type Feeds, networkFeeds } from '../models/feeds.js';
import type { Network, WorkerState } from '../models/session-state.js';
import type { Signature } from '../models/signature.js';
import { fillNormals, NORMALS_RUN } from '../random/normals.js';
import { streams } from '../random/streams.js';
import type { LatentMove } from '../samplers/latent-model.js';

/** Names of the head's tensors in the graph. */
export const LATENT = {
  /** float32 [batch · length, vocab] */
  latent: 'duo_eval_latent',
  /** float32 [], α̃/σ̃²: how much the latent's entry says for its token. */
  evidence: 'duo_eval_evidence',
  /** float32 [batch · length, vocab]: the mean of x̂, where asked for. */
  mean: 'duo_eval_mean',
} as const;

export interface LatentInit {
  signature: Signature;
  /** Name of the graph's output x̂, int64 [batch, length]. */
  token: string;
  vocabSize: number;
  batch: number;
  length: number;
  /** [batch × length]: the given tokens where `given` is 1. */
  tokens: Int32Array;
  given: Uint8Array;
  seed: number;
  /** [batch]: which samples these are. */
  samples: readonly number[];
}

/** What a call takes besides the head's inputs: σ, float32 [1], and the move as float64 [step, keep, signal, noise] or []. */
export const SIGMA = 'sigma';
export const MOVE = 'move';
/** What it answers beside x̂ (under the graph's name): z of the latent as it is after the call, int32 [batch, length]. */
export const ARGMAX = 'argmax';

export const moveNumbers = (move: LatentMove | null): Float64Array =>
  move ? Float64Array.of(move.step, move.keep, move.signal, move.noise) : new Float64Array(0);

export const createState = (init: LatentInit): WorkerState => new LatentState(init);

/** Entries whose noise is made at once. */
const BLOCK = 4 * NORMALS_RUN;

class LatentState implements WorkerState {
  /** Sequences of a run: a graph of fixed batch is filled up with sequences nobody asked for. */
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

  async call(feeds: Feeds, network: Network): Promise<Feeds> {
    const { signature, length, vocabSize, batch, token, tokens, given } = this.init;
    const { [SIGMA]: sigma, [MOVE]: move, ...head } = feeds;
    const outputs = await network({
      ...networkFeeds(signature, {
        inputIds: BigInt64Array.from(this.z, BigInt),
        batch: this.rows,
        length,
        sigma: new Float32Array(this.rows).fill(sigma.data[0] as number),
      }),
      ...head,
      [LATENT.latent]: { type: 'float32', data: this.latent, dims: [this.rows * length, vocabSize] },
    });
    const drawn = Int32Array.from(outputs[token].data.subarray(0, batch * length) as BigInt64Array, Number);
    for (let i = 0; i < drawn.length; i++) if (given[i]) drawn[i] = tokens[i];
    const [step, keep, signal, noise] = move.data as Float64Array;
    if (move.data.length > 0) {
      this.move({ step, keep, signal, noise });
      this.add(signal, drawn, outputs[LATENT.mean]?.data as Float32Array | undefined);
      this.read();
    }
    const dims = [batch, length];
    const { [LATENT.mean]: _, ...rest } = outputs;
    return {
      ...rest,
      [token]: { type: 'int32', data: drawn, dims },
      [ARGMAX]: { type: 'int32', data: this.z.slice(0, batch * length), dims },
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

  /** w ← w + signal·x̂, x̂ a token or the mean; given tokens are themselves. */
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
