/** Models × samplers × steps: those that fit, each with a name of its own. */
import { UsageError } from '../../errors.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { resolveSampler, samplersFor } from '../../samplers/registry.js';
import { prepareSampling, type SamplingFlags } from '../../sampling/prepare-sampling.js';
import type { SampleRequest } from '../../sampling/sample-request.js';

/** A name or a module; the options are those of `flags` where it has none of its own. */
export interface ChosenSampler {
  spec: string;
  options?: readonly string[];
}

export interface ConfigurationRequest {
  models: readonly { checkpoint: Checkpoint; path: string }[];
  /** None: the first that fits each family. */
  samplers: readonly ChosenSampler[];
  steps: readonly number[];
  /** All else that is said of sampling. */
  flags: Omit<SamplingFlags, 'checkpoint' | 'sampler' | 'steps'>;
}

/** A model, a sampler and a number of steps: what is timed. */
export interface Configuration {
  /** Unique. */
  name: string;
  request: SampleRequest;
  /** As the user gave it, for a process of its own. */
  modelSpec: string;
  samplerOptions: readonly string[];
}

/** In the order of models, samplers and steps. @throws UsageError when a model fits no sampler, and as prepareSampling */
export async function configurations(request: ConfigurationRequest): Promise<Configuration[]> {
  const found: Configuration[] = [];
  for (const { checkpoint, path } of request.models) {
    const samplers = await fittingSamplers(checkpoint, distinct(request.samplers));
    for (const { spec, options } of samplers) {
      const told = samplers.length > 1 ? [spec, ...(options ?? [])] : [];
      const samplerOptions = options ?? request.flags.samplerOptions;
      // Left to right, the number of steps is that of the tokens.
      const steps = checkpoint.family === 'ar' ? [undefined] : request.steps;
      for (const count of steps) {
        const flags = { ...request.flags, checkpoint, sampler: spec, samplerOptions, steps: count };
        found.push({
          name: [checkpoint.name, ...told, ...(count ? [count] : [])].join(' '),
          request: await prepareSampling(flags),
          modelSpec: path,
          samplerOptions,
        });
      }
    }
  }
  return found;
}

/** One that is given twice is measured once, as one number of steps is. */
function distinct(samplers: readonly ChosenSampler[]): ChosenSampler[] {
  return [...new Map(samplers.map((one) => [JSON.stringify([one.spec, one.options]), one])).values()];
}

/** Of those, the ones that drive the model. @throws UsageError when none does */
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
  // The baseline that others are compared with has a sampler of its own, which nobody needs to name.
  if (family === 'ar' && usual.length > 0) return usual;
  throw new UsageError({
    code: 'sampler-does-not-fit',
    message: `None of the samplers drives ${name}, which is of the family ${family}.`,
    hint: `For ${family} there are: ${samplersFor(family).join(', ')}.`,
  });
}
