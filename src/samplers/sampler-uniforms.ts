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

/** What the random numbers of a sample are functions of, besides step and purpose. */
export interface SampleAddress {
  seed: number;
  sample: number;
}

/** @param first number of the first sample */
export const consecutiveSamples = (seed: number, first: number, batch: number): SampleAddress[] =>
  Array.from({ length: batch }, (_, b) => ({ seed, sample: first + b }));

/** @param addresses one for each sample of the batch */
export function uniformsOf(addresses: readonly SampleAddress[], length: number): SamplingRun['uniforms'] {
  const batch = addresses.length;
  const memory = new Map<Purpose, Float64Array>();
  return (purpose, step) => {
    const stream = purposeStreams[purpose];
    if (stream === undefined) throw new RangeError(`there is no purpose "${purpose}" of uniforms`);
    const numbers = memory.get(purpose) ?? new Float64Array(batch * length);
    memory.set(purpose, numbers);
    for (const [b, { seed, sample }] of addresses.entries()) {
      const row = numbers.subarray(b * length, (b + 1) * length);
      fillUniforms(row, { seed, stream, sequence: sample, step });
    }
    return numbers;
  };
}
