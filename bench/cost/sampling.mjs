/** A sampling session of a checkpoint, and the plan of one sample by it, batch 1. */
import { noiseSchedule } from '../../dist/diffusion/schedule.js';
import { openCheckpoint } from '../../dist/models/checkpoint.js';
import { resolveSampler } from '../../dist/samplers/registry.js';
import { startSamplingSession } from '../../dist/sampling/sampling-session.js';

/** @param length tokens of the sample; by default those of the card */
export async function startSampling(path, { samplerName, steps, length, threads, provider = 'cpu' }) {
  const checkpoint = await openCheckpoint(path);
  const sampler = await resolveSampler(samplerName);
  const { name, family, vocabSize, maskTokenId, fields, schedule, signature } = checkpoint;
  const session = await startSamplingSession({
    ...{ checkpoint, sampler: sampler.sampler, options: {}, provider, threads },
    ...{ temperature: 1, topK: null, topP: null },
  });
  const model = {
    ...{ name, family, vocabSize, maskTokenId },
    schedule: schedule && noiseSchedule(schedule),
    timeConditioned: signature.sigma !== null && fields.timeConditioning.value,
  };
  const plan = {
    ...{ checkpoint, model, sampler, options: {}, steps, length: length ?? fields.length.value },
    ...{ seed: 1, samples: 1, batch: 1 },
  };
  return { checkpoint, session, plan };
}
