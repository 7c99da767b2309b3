/** The valid combinations of models, samplers and steps, each with a unique name. */

import { UsageError } from '../../errors.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { resolveSampler, samplersFor } from '../../samplers/registry.js';
import type { ChosenSampler } from '../../samplers/sampler.js';
import { prepareSampling, type SamplingFlags } from '../../sampling/prepare-sampling.js';
import type { SampleRequest } from '../../sampling/sample-request.js';

export interface ConfigurationRequest {
  models: readonly { checkpoint: Checkpoint; path: string }[];
  /** Empty: the first sampler that supports each family. Those without options take the options of `flags`. */
  samplers: readonly ChosenSampler[];
  steps: readonly number[];
  /** Samples per model call, each a configuration of its own; by default that of `flags`. */
  batches?: readonly number[];
  /** All other sampling settings. */
  flags: Omit<SamplingFlags, 'checkpoint' | 'sampler' | 'steps'>;
}

/** A model, a sampler and a number of steps: what is timed. */
export interface Configuration {
  /** Unique. */
  name: string;
  request: SampleRequest;
  /** As the user gave it, for a separate process. */
  modelSpec: string;
  samplerOptions: readonly string[];
  /** One of several batch sizes of the same work. */
  isSwept: boolean;
}

/** In the order of models, samplers and steps. @throws UsageError when a model fits no sampler, and as prepareSampling */
export async function configurations(request: ConfigurationRequest): Promise<Configuration[]> {
  const found: Configuration[] = [];
  for (const { checkpoint, path } of request.models) {
    const samplers = await fittingSamplers(checkpoint, uniqueSamplers(request.samplers));
    for (const { spec, options } of samplers) {
      const samplerLabel = samplers.length > 1 ? [spec, ...(options ?? [])] : [];
      const samplerOptions = options ?? request.flags.samplerOptions;
      // An ar model takes one step per token.
      const steps = checkpoint.family === 'ar' ? [undefined] : request.steps;
      const { batches = [request.flags.batch] } = request;
      const isSwept = batches.length > 1;
      for (const count of steps) {
        for (const batch of batches) {
          const flags = { ...request.flags, checkpoint, sampler: spec, samplerOptions, steps: count, batch };
          const label = [checkpoint.name, ...samplerLabel, ...(count ? [count] : [])];
          found.push({
            name: [...label, ...(isSwept ? [`batch ${batch}`] : [])].join(' '),
            request: await prepareSampling(flags),
            modelSpec: path,
            samplerOptions,
            isSwept,
          });
        }
      }
    }
  }
  return found;
}

/** A sampler that is given twice is measured once. */
function uniqueSamplers(samplers: readonly ChosenSampler[]): ChosenSampler[] {
  return [...new Map(samplers.map((one) => [JSON.stringify([one.spec, one.options]), one])).values()];
}

/** The samplers that support the model. @throws UsageError when none does */
export async function fittingSamplers(
  { family, name }: Checkpoint,
  samplers: readonly ChosenSampler[],
): Promise<ChosenSampler[]> {
  const usual = samplersFor(family)
    .slice(0, 1)
    .map((spec) => ({ spec }));
  if (samplers.length === 0 && usual.length > 0) return usual;
  const fits: ChosenSampler[] = [];
  for (const one of samplers) {
    const { sampler } = await resolveSampler(one.spec);
    if (sampler.families.includes(family)) fits.push(one);
  }
  if (fits.length > 0) return fits;
  // The ar baseline has its own sampler, which the user need not name.
  if (family === 'ar' && usual.length > 0) return usual;
  throw new UsageError({
    code: 'sampler-does-not-fit',
    message: `None of the samplers drives ${name}, which is of the family ${family}.`,
    hint: `For ${family} there are: ${samplersFor(family).join(', ')}.`,
  });
}
