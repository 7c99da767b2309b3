/** What cells of `bench` and `frontier` share: both are set up, looked up and measured by the functions of their commands. */
import { providerOf } from '../../models/provider.js';
import type { ChosenSampler } from '../../samplers/sampler.js';
import type { SamplingFlags } from '../../sampling/prepare-sampling.js';
import { samplesKey } from '../../sampling/sample-run.js';
import type { CacheKey } from '../../storage/cache-entry.js';
import type { Judge } from '../generation/judge.js';
import type { Configuration } from '../throughput/configurations.js';
import type { MeasuringRequest, Setup } from '../throughput/setup.js';
import type { SuiteSettings } from './cell.js';
import type { SuiteDataset, SuiteJudge, SuiteModel } from './named-files.js';
import type { SamplingSaid } from './sampling-keys.js';

/** Increased whenever a cell kept under the same key would hold something else. */
const CELL_VERSION = 1;

interface Measured {
  models: readonly SuiteModel[];
  samplers: readonly ChosenSampler[];
  steps: readonly number[];
  sampling: SamplingSaid & Partial<Pick<SamplingFlags, 'temperature' | 'batch'>>;
  judge: SuiteJudge | null;
  references: readonly SuiteDataset[];
  seed: number;
}

/** What the command of a cell opens. */
export function measuringRequest(
  { models, samplers, steps, sampling: said, judge, references, seed }: Measured,
  { provider, threads, timeoutMs, fresh }: SuiteSettings,
): MeasuringRequest {
  const { topK, topP, ...sampling } = said;
  return {
    models,
    samplers,
    steps,
    sampling: {
      ...{ temperature: 1, ...sampling, topK: topK ?? null, topP: topP ?? null },
      ...{ samplerOptions: [], seed, traced: false },
      ...{ provider, threads, timeoutMs, fresh },
    },
    judge: judge && { ...judge, provider, threads, timeoutMs, fresh },
    references,
  };
}

/** Everything that determines the results of a cell. @param own what only its evaluation has */
export async function measuringKey(
  { eval: name, sampling: { samples, protocol } }: { eval: string; sampling: SamplingSaid },
  { configurations, judge, references }: Setup,
  { provider }: SuiteSettings,
  own: Record<string, CacheKey>,
): Promise<CacheKey> {
  const texts: CacheKey[] = [];
  for (const { request } of configurations)
    texts.push([await samplesKey(request, providerOf(provider)), request.tokenizer.sha256]);
  return {
    ...{ cell: CELL_VERSION, eval: name, texts, samples, protocol },
    judge: judge && (await judgeKey(judge)),
    // references are data sets
    references: references.map(({ dataset }) => dataset!.sha256),
    ...own,
  };
}

async function judgeKey({ checkpoint, tokenizer, context }: Judge): Promise<CacheKey> {
  const { bosTokenId, eosTokenId } = checkpoint.fields;
  return {
    model: await checkpoint.sha256(),
    tokenizer: tokenizer.sha256,
    tokens: [bosTokenId.value, eosTokenId.value],
    context,
  };
}

/** The name and path of a configuration's model in this suite. */
export function modelNames({ request: { checkpoint } }: Configuration): {
  name: string;
  path: string | null;
} {
  const { name, path } = checkpoint;
  return { name, path };
}
