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

interface MeasuringFlagValues extends CheckpointFlagValues, RunFlagValues {
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
  'sampler-option'?: string[];
  samples: number;
  length?: number;
  'top-k'?: number;
  'top-p'?: number;
}

interface RunFlagValues {
  threads?: number;
  timeout?: number;
  fresh: boolean;
}

/** How every model of a command runs. */
export const runSettings = ({ threads, timeout, fresh }: RunFlagValues, provider: Placement) => ({
  ...{ provider, threads, fresh },
  timeoutMs: timeout === undefined ? undefined : timeout * 1000,
});

/** What texts are compared with, beside a judge. @param more settings of MAUVE's model */
export const comparisonOf = (
  {
    mauve,
    brier,
    controls,
    ...flags
  }: RunFlagValues & { mauve?: string; brier?: number; controls?: boolean },
  provider: Placement,
  more: Pick<JudgeOptions, 'batch'> = {},
): ComparisonRequest => ({
  mauve: mauve === undefined ? null : { ...parseModelSpec(mauve), ...runSettings(flags, provider), ...more },
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
  const { protocol, tokenizer } = flags;
  const runtime = { protocol, ...runSettings(flags, provider) };
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
