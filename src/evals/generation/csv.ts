/** The columns of a CSV row of generated texts. */

import type { Cell, CsvColumn } from '../../printing/csv.js';
import { ENVIRONMENT_CSV } from '../../printing/environment-csv.js';
import type { GenerativeResult, SampledFigure } from './record.js';

type Measured = Omit<GenerativeResult, 'eval'>;

const FIGURES: readonly [string, (result: Measured) => SampledFigure][] = [
  ['gen_ppl', ({ metrics }) => metrics.genPpl],
  ['gen_nll', ({ metrics }) => metrics.genNll],
  ['entropy', ({ metrics }) => metrics.entropy],
  ['repetition4', ({ metrics }) => metrics.repetition4],
];

/** What rows of `gen` and `bench` share. */
export const MEASURED_CSV: readonly (readonly [string, (result: Measured) => Cell])[] = [
  ['texts', ({ samples }) => samples.name],
  ['model', ({ model }) => model?.name],
  ['family', ({ model }) => model?.family],
  ['dataset', ({ dataset }) => dataset?.name],
  ['sampler', ({ samples }) => samples.sampler?.name],
  ['sampler_options', ({ samples }) => samples.sampler && JSON.stringify(samples.sampler.options)],
  ['steps', ({ samples }) => samples.sampler?.steps],
  ['nfe', ({ samples }) => samples.nfe],
  ['temperature', ({ samples }) => samples.temperature],
  ['top_k', ({ samples }) => samples.topK],
  ['top_p', ({ samples }) => samples.topP],
  ['sample_seed', ({ samples }) => samples.seed],
  ['sample_seconds', ({ samples }) => samples.seconds],
  ...FIGURES.flatMap(([name, figure]): [string, (result: Measured) => Cell][] => [
    [name, (result) => figure(result).value],
    [`${name}_stderr`, (result) => figure(result).stderr],
    [`${name}_ci95_low`, (result) => figure(result).ci95?.[0]],
    [`${name}_ci95_high`, (result) => figure(result).ci95?.[1]],
  ]),
  ['distinct1', ({ metrics }) => metrics.distinct1.value],
  ['distinct2', ({ metrics }) => metrics.distinct2.value],
  ['distinct3', ({ metrics }) => metrics.distinct3.value],
  ['compression_ratio', ({ metrics }) => metrics.compressionRatio.value],
  ['samples', ({ samples }) => samples.count],
  ['length', ({ samples }) => samples.length],
  ['tokens', ({ judge, cost }) => judge && cost.tokens],
  ['model_calls', ({ judge, cost }) => judge && cost.modelCalls],
  ['wall_seconds', ({ cost }) => cost.wallSeconds],
  ['tokens_per_second', ({ cost }) => cost.tokensPerSecond],
  ['judge', ({ judge }) => judge?.name],
  ['judge_sha256', ({ judge }) => judge?.sha256],
  ['judge_path', ({ judge }) => judge?.path],
  ['judge_tokenizer_sha256', ({ judge }) => judge?.tokenizerSha256],
  ['judge_context', ({ judge }) => judge?.context],
  ['protocol', ({ protocol }) => protocol.name],
  ['protocol_version', ({ protocol }) => protocol.version],
  ['seed', ({ protocol }) => protocol.seed],
  ['resamples', ({ protocol }) => protocol.resamples],
  ['tokenizer_sha256', ({ samples }) => samples.tokenizerSha256],
  ['texts_sha256', ({ samples }) => samples.sha256],
  ['texts_path', ({ samples }) => samples.path],
  ['model_sha256', ({ model }) => model?.sha256],
  ['model_path', ({ model }) => model?.path],
  ['dataset_sha256', ({ dataset }) => dataset?.sha256],
  ['dataset_source_sha256', ({ dataset }) => dataset?.sourceSha256],
  ...ENVIRONMENT_CSV,
];

export const GENERATIVE_CSV: readonly CsvColumn<GenerativeResult>[] = [
  ['eval', (result) => result.eval],
  ...MEASURED_CSV,
];
