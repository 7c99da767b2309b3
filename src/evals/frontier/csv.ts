/** The columns of a CSV row of a model at one entropy; the points of its sweep are in the JSON. */

import type { CsvColumn } from '../../printing/csv.js';
import { ENVIRONMENT_CSV } from '../../printing/environment-csv.js';
import type { FrontierResult } from '../throughput/record.js';

export const FRONTIER_CSV: readonly CsvColumn<FrontierResult>[] = [
  ['eval', (result) => result.eval],
  ['model', ({ model }) => model.name],
  ['family', ({ model }) => model.family],
  ['sampler', ({ sampler }) => sampler.name],
  ['sampler_options', ({ sampler }) => JSON.stringify(sampler.options)],
  ['steps', ({ sampler }) => sampler.steps],
  ['target_entropy', ({ target }) => target.entropy],
  ['target_dataset', ({ target }) => target.dataset],
  ['gen_ppl', ({ metrics }) => metrics.genPpl.value],
  ['gen_ppl_stderr', ({ metrics }) => metrics.genPpl.stderr],
  ['gen_ppl_ci95_low', ({ metrics }) => metrics.genPpl.ci95?.[0]],
  ['gen_ppl_ci95_high', ({ metrics }) => metrics.genPpl.ci95?.[1]],
  ['temperature', ({ temperature }) => temperature],
  ['outside', ({ outside }) => outside],
  ['nfe', ({ nfe }) => nfe],
  ['tokens_per_second', ({ tokensPerSecond }) => tokensPerSecond],
  ['pareto', ({ pareto }) => pareto?.toString()],
  ['temperatures', ({ points }) => points.map(({ temperature }) => temperature).join(' ')],
  ['entropies', ({ points }) => points.map(({ entropy }) => entropy.value).join(' ')],
  ['gen_ppls', ({ points }) => points.map(({ genPpl }) => genPpl.value).join(' ')],
  ['samples', ({ points }) => points[0]?.samples],
  ['length', ({ length }) => length],
  ['judge', ({ judge }) => judge.name],
  ['judge_sha256', ({ judge }) => judge.sha256],
  ['protocol', ({ protocol }) => protocol.name],
  ['protocol_version', ({ protocol }) => protocol.version],
  ['seed', ({ protocol }) => protocol.seed],
  ['tokenizer_sha256', ({ tokenizerSha256 }) => tokenizerSha256],
  ['model_sha256', ({ model }) => model.sha256],
  ['model_path', ({ model }) => model.path],
  ...ENVIRONMENT_CSV,
];
