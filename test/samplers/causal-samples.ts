/** Samples of autoregressive checkpoints, batch by batch, without the command around them. */
import { fillUniforms } from '../../src/random/uniforms.js';
import { autoregressive } from '../../src/samplers/autoregressive.js';
import type { CausalDecoding, CausalModel, DecodingBatch } from '../../src/samplers/decoding.js';
import type { SamplingRun } from '../../src/samplers/sampler.js';

export interface CausalSamples {
  count: number;
  length: number;
  batch?: number;
  seed?: number;
  /** What sample i begins with. */
  prompt?: (sample: number) => readonly number[];
  options?: SamplingRun['options'];
}

export interface CausalSample {
  tokens: number[];
  networkCalls: number;
}

export async function causalSamples(
  model: CausalModel,
  { count, length, batch = 8, seed = 1, prompt = () => [], options = {} }: CausalSamples,
): Promise<CausalSample[]> {
  const samples: CausalSample[] = [];
  for (let first = 0; first < count; first += batch) {
    const size = Math.min(batch, count - first);
    const tokens = new Int32Array(size * length);
    const fixed = new Uint8Array(size * length);
    for (let b = 0; b < size; b++) {
      for (const [l, token] of prompt(first + b).entries()) {
        tokens[b * length + l] = token;
        fixed[b * length + l] = 1;
      }
    }
    let decoding: CausalDecoding | null = null;
    const causal: CausalModel = {
      cached: model.cached,
      bosTokenId: model.bosTokenId,
      eosTokenId: model.eosTokenId,
      begin: (asked: DecodingBatch) => (decoding = model.begin(asked)),
    };
    const run: Partial<SamplingRun> = {
      family: 'ar',
      batch: size,
      length,
      tokens,
      fixed,
      options,
      causal,
      uniforms(_, step) {
        const all = new Float64Array(size * length);
        for (let b = 0; b < size; b++) {
          const part = all.subarray(b * length, (b + 1) * length);
          fillUniforms(part, { seed, stream: 0x7100, sequence: first + b, step });
        }
        return all;
      },
    };
    for await (const _ of autoregressive.sample(run as SamplingRun)) {
      // to its end
    }
    for (let b = 0; b < size; b++) {
      samples.push({
        tokens: Array.from(tokens.subarray(b * length, (b + 1) * length)),
        networkCalls: decoding!.networkCalls,
      });
    }
  }
  return samples;
}
