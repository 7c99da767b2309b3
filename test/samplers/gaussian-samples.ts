/** Samples of uniform-state checkpoints by a Gaussian latent, batch by batch, without the command around them. */
import { noiseSchedule } from '../../src/diffusion/schedule.js';
import type { Checkpoint } from '../../src/models/checkpoint.js';
import { fillUniforms } from '../../src/random/uniforms.js';
import type { LatentModel } from '../../src/samplers/decoding.js';
import { gaussian } from '../../src/samplers/gaussian.js';
import type { SamplingRun } from '../../src/samplers/sampler.js';
import type { LatentSession } from '../../src/sampling/latent-session.js';

export interface GaussianSamples {
  count: number;
  length: number;
  steps: number;
  batch?: number;
  seed?: number;
  eta?: number;
  /** Tokens given to every sample, by position. */
  given?: ReadonlyMap<number, number>;
  /** Sees each model of a batch, to look at what passes. */
  watch?: (model: LatentModel) => LatentModel;
}

/** @returns [count][length] */
export async function gaussianSamples(
  session: LatentSession,
  checkpoint: Checkpoint,
  {
    count,
    length,
    steps,
    batch = 64,
    seed = 1,
    eta = 1,
    given = new Map(),
    watch = (model) => model,
  }: GaussianSamples,
): Promise<number[][]> {
  const samples: number[][] = [];
  for (let first = 0; first < count; first += batch) {
    const size = Math.min(batch, count - first);
    const tokens = new Int32Array(size * length);
    const fixed = new Uint8Array(size * length);
    for (let b = 0; b < size; b++) {
      for (const [l, token] of given) {
        tokens[b * length + l] = token;
        fixed[b * length + l] = 1;
      }
    }
    const numbers = Array.from({ length: size }, (_, b) => first + b);
    const run: Partial<SamplingRun> = {
      family: 'duo',
      vocabSize: checkpoint.vocabSize,
      schedule: noiseSchedule(checkpoint.fields.schedule.value!),
      batch: size,
      length,
      steps,
      options: { eta, mean: false },
      tokens,
      fixed,
      latent: watch(session.forSamples(seed, numbers)),
      uniforms(_, step) {
        const all = new Float64Array(size * length);
        for (let b = 0; b < size; b++) {
          const part = all.subarray(b * length, (b + 1) * length);
          fillUniforms(part, { seed, stream: 0x7100, sequence: first + b, step });
        }
        return all;
      },
    };
    for await (const _ of gaussian.sample(run as SamplingRun)) {
      // to its end
    }
    for (let b = 0; b < size; b++) samples.push(Array.from(tokens.subarray(b * length, (b + 1) * length)));
  }
  return samples;
}
