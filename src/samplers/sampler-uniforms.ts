/** A sampler's random numbers by purpose: functions of (seed, sample, step, purpose), whichever thread it runs in. */
import { streams } from '../random/streams.js';
import { fillUniforms } from '../random/uniforms.js';
import type { Purpose, SamplingRun } from './sampler.js';

const purposeStreams: Record<Purpose, number> = {
  component: streams.posteriorComponent,
  token: streams.posteriorUniform,
  'own-1': streams.samplerOwn1,
  'own-2': streams.samplerOwn2,
};

/** @param first number of the batch's first sample */
export function uniformsOf(
  seed: number,
  first: number,
  batch: number,
  length: number,
): SamplingRun['uniforms'] {
  const memory = new Map<Purpose, Float64Array>();
  return (purpose, step) => {
    const stream = purposeStreams[purpose];
    if (stream === undefined) throw new RangeError(`there is no purpose "${purpose}" of uniforms`);
    const numbers = memory.get(purpose) ?? new Float64Array(batch * length);
    memory.set(purpose, numbers);
    for (let b = 0; b < batch; b++) {
      const row = numbers.subarray(b * length, (b + 1) * length);
      fillUniforms(row, { seed, stream, sequence: first + b, step });
    }
    return numbers;
  };
}
