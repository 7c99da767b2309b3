/** What `bench` and `frontier` share, and partly `gen`: turning flags into a request. */

import type { Protocol } from '../diffusion/schedule.js';
import type { ComparisonRequest } from '../evals/generation/comparison.js';
import type { JudgeOptions } from '../evals/generation/judge.js';
import type { MeasuringRequest } from '../evals/throughput/setup.js';
import { checkDistinctNames, parseModelSpec } from '../library/checkpoints.js';
import type { Placement } from '../models/provider.js';
import { chosenSampler } from '../samplers/sampler.js';
import { type CheckpointFlagValues, checkpointOverrides } from './checkpoint-flags.js';
import { numbersOf, samplingOf } from './sampling-flags.js';
import { tableOptions } from './table-flags.js';

interface MeasuringFlagValues extends CheckpointFlagValues {
  model: string[];
  sampler?: string[];
  steps: string[];
  judge?: string;
  'judge-tokenizer'?: string;
  context?: number;
  'text-column'?: string;
  'skip-null'?: boolean;
  protocol: Protocol;
  seed: number;
  batch: number;
  threads?: number;
  timeout?: number;
  fresh: boolean;
  'sampler-option'?: string[];
  samples: number;
  length?: number;
  'top-k'?: number;
  'top-p'?: number;
}

/** What texts are compared with, beside a judge. @param how the model of MAUVE runs */
export const comparisonOf = (
  { mauve, brier, controls }: { mauve?: string; brier?: number; controls?: boolean },
  how: Omit<JudgeOptions, 'path' | 'name'>,
): ComparisonRequest => ({
  mauve: mauve === undefined ? null : { ...parseModelSpec(mauve), ...how },
  brierItems: brier ?? null,
  controls,
});

/** @param references data sets as `--dataset` takes them   @throws UsageError */
export function measuringRequest(
  flags: MeasuringFlagValues,
  { provider, temperature, references }: { provider: Placement; temperature: number; references: string[] },
): MeasuringRequest {
  const models = flags.model.map(parseModelSpec);
  checkDistinctNames(models.map(({ name, path }) => name ?? path));
  const { protocol, threads, fresh } = flags;
  const timeoutMs = flags.timeout === undefined ? undefined : flags.timeout * 1000;
  const runtime = { protocol, provider, threads, timeoutMs, fresh };
  const { tokenizer } = flags;
  return {
    models,
    overrides: checkpointOverrides(flags),
    samplers: (flags.sampler ?? []).map(chosenSampler),
    steps: numbersOf('steps', flags.steps.join(','), true),
    sampling: { ...samplingOf(flags), ...runtime, tokenizer, temperature },
    judge:
      flags.judge === undefined
        ? null
        : {
            ...parseModelSpec(flags.judge),
            ...runtime,
            tokenizer: flags['judge-tokenizer'],
            context: flags.context,
          },
    references: references.map((spec) => ({ spec, ...tableOptions(flags) })),
  };
}
