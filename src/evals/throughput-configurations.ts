/** Models × samplers × steps: those that fit, each with a name of its own. */
import { UsageError } from '../errors.js';
import type { Checkpoint } from '../models/checkpoint.js';
import { prepareSampling, type SamplingFlags } from '../samplers/prepare-sampling.js';
import { resolveSampler, samplersFor } from '../samplers/registry.js';
import type { Configuration } from './throughput-run.js';

export interface ConfigurationRequest {
  models: readonly { checkpoint: Checkpoint; path: string }[];
  /** Names or modules; none: the first that fits each family. */
  samplers: readonly string[];
  steps: readonly number[];
  /** All else that is said of sampling. */
  flags: Omit<SamplingFlags, 'checkpoint' | 'sampler' | 'steps'>;
}

/** In the order of models, samplers and steps. @throws UsageError when a model fits no sampler, and as prepareSampling */
export async function configurations(request: ConfigurationRequest): Promise<Configuration[]> {
  const found: Configuration[] = [];
  for (const { checkpoint, path } of request.models) {
    const samplers = await fitting(checkpoint, request);
    for (const sampler of samplers) {
      // Left to right, the number of steps is that of the tokens.
      const steps = checkpoint.family === 'ar' ? [undefined] : request.steps;
      for (const count of steps) {
        const flags = { ...request.flags, checkpoint, sampler, steps: count };
        found.push({
          name: [checkpoint.name, ...(samplers.length > 1 ? [sampler] : []), ...(count ? [count] : [])].join(
            ' ',
          ),
          request: await prepareSampling(flags),
          modelSpec: path,
          samplerOptions: request.flags.samplerOptions,
        });
      }
    }
  }
  return found;
}

async function fitting(checkpoint: Checkpoint, { samplers }: ConfigurationRequest): Promise<string[]> {
  const { family, name } = checkpoint;
  const usual = samplersFor(family).slice(0, 1);
  if (samplers.length === 0 && usual.length > 0) return usual;
  const fits: string[] = [];
  for (const spec of samplers) {
    const { sampler } = await resolveSampler(spec);
    if (sampler.families.includes(family)) fits.push(spec);
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
