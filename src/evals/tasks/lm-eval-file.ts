/**
 * Task files of lm-evaluation-harness (0.4), read as they are. What cannot be done here is refused by name, never left out in
 * silence: functions of Python that are not known, images, chat prompts, other output types. Metrics that are not computed here are
 * left out with a note where others remain.
 */
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import {
  checkedMetrics,
  documentsOf,
  FunctionName,
  filesBySplit,
  functionName,
  oneOrMore,
  partOf,
  scoringOf,
  type TaskOrigin,
} from './own-file.js';
import { METRICS, OUTPUT_TYPES, type Part, type Task } from './task.js';
import { Template } from './template.js';

const text = z.string().nullish();
const anyPart = z.union([z.string(), functionName]).nullish();

/** Keys that say nothing of prompts and figures. */
const aside = {
  tag: z.unknown().optional(),
  group: z.unknown().optional(),
  task_alias: z.unknown().optional(),
  should_decontaminate: z.unknown().optional(),
  doc_to_decontamination_query: z.unknown().optional(),
  metadata: z.looseObject({ version: z.number().optional() }).nullish(),
};

const fewshotConfig = z.strictObject({
  sampler: z.enum(['default', 'first_n']).optional(),
  split: text,
  samples: z.array(z.record(z.string(), z.unknown())).nullish(),
});

export const lmEvalTask = z.strictObject({
  ...aside,
  task: z.string(),
  include: oneOrMore.optional(),
  dataset_path: text,
  dataset_name: text,
  dataset_kwargs: z
    .looseObject({ data_files: z.union([oneOrMore, z.record(z.string(), oneOrMore)]).optional() })
    .nullish(),
  training_split: text,
  validation_split: text,
  test_split: text,
  fewshot_split: text,
  process_docs: functionName.nullish(),
  doc_to_text: z.union([z.string(), z.int(), functionName]).nullish(),
  doc_to_target: z.union([z.string(), z.int(), z.array(z.string()), functionName]).nullish(),
  doc_to_choice: z.union([anyPart, z.array(z.string()), z.record(z.string(), z.string())]).nullish(),
  process_results: functionName.nullish(),
  description: text,
  target_delimiter: z.string().optional(),
  fewshot_delimiter: z.string().optional(),
  fewshot_config: fewshotConfig.nullish(),
  num_fewshot: z.int().min(0).max(100).nullish(),
  metric_list: z.array(z.looseObject({ metric: z.union([z.string(), functionName]) })).nullish(),
  output_type: z.enum(OUTPUT_TYPES).optional(),
  generation_kwargs: z
    .looseObject({
      until: oneOrMore.optional(),
      max_gen_toks: z.int().min(1).max(4096).optional(),
      do_sample: z.boolean().optional(),
      temperature: z.number().optional(),
    })
    .nullish(),
  repeats: z.literal(1).nullish(),
  filter_list: z
    .array(
      z.looseObject({
        filter: z.array(z.strictObject({ function: z.enum(['remove_whitespace', 'take_first']) })),
      }),
    )
    .nullish(),
});
export type LmEvalTask = z.infer<typeof lmEvalTask>;

/** Builders of local data, where `dataset_path` names no repository. */
const FILE_FORMS = ['json', 'csv', 'parquet'];
/** Tokens that lm-evaluation-harness generates where a file does not say it. */
const USUAL_TOKENS = 256;

/** @throws UsageError */
export function taskOfLmEval(file: LmEvalTask, origin: TaskOrigin, note: (text: string) => void): Task {
  const { label } = origin;
  const local = FILE_FORMS.includes(file.dataset_path ?? '');
  const repo = local ? null : (file.dataset_path ?? null);
  const output = file.output_type ?? 'generate_until';
  const place = (key: string) => ({ where: `${key} of ${label}`, repo });
  const part = (key: 'doc_to_text' | 'doc_to_target' | 'doc_to_choice'): Part | null => {
    const value = file[key];
    if (value === undefined || value === null) return null;
    const isMap = typeof value === 'object' && !Array.isArray(value) && !(value instanceof FunctionName);
    return partOf(isMap ? Object.values(value) : value, place(key));
  };
  const split = file.test_split ?? file.validation_split;
  if (!split) throw missing(label, 'test_split or validation_split');
  const prompt = part('doc_to_text');
  const target = part('doc_to_target');
  if (prompt === null && output !== 'loglikelihood_rolling') throw missing(label, 'doc_to_text');
  if (target === null) throw missing(label, 'doc_to_target');
  const shots = file.fewshot_config;
  const asked = (file.metric_list ?? []).map(({ metric }) =>
    metric instanceof FunctionName ? metric.name : metric,
  );
  const usual = output === 'multiple_choice' ? ['acc', 'acc_norm'] : METRICS[output];
  return {
    name: file.task,
    version: file.metadata?.version ?? 0,
    about: null,
    path: origin.path,
    sha256: origin.sha256,
    output,
    data: { repo, configs: [file.dataset_name ?? null], files: dataFiles(file, split), lists: null },
    split,
    documents: file.process_docs ? documentsOf(file.process_docs, place('process_docs')) : null,
    description: file.description ? new Template(file.description, `description of ${label}`) : null,
    prompt: prompt ?? { kind: 'template', template: new Template('', label) },
    choices: part('doc_to_choice'),
    target,
    targetDelimiter: file.target_delimiter ?? ' ',
    shotDelimiter: file.fewshot_delimiter ?? '\n\n',
    shots: {
      count: file.num_fewshot ?? 0,
      split: shots?.split ?? file.fewshot_split ?? file.training_split ?? file.validation_split ?? split,
      order: shots?.sampler === 'first_n' ? 'first' : 'drawn',
      spare: (shots?.split ?? file.fewshot_split ?? null) === (file.test_split ?? null),
      documents: shots?.samples ?? null,
    },
    metrics: asked.length === 0 ? usual : computed(asked, output, { label, note }),
    scoring: file.process_results ? scoringOf(file.process_results, place('process_results')) : null,
    cluster: null,
    generation: output === 'generate_until' ? generationOf(file) : null,
  };
}

function computed(
  asked: readonly string[],
  output: Task['output'],
  { label, note }: { label: string; note: (text: string) => void },
): readonly string[] {
  const others = asked.filter((metric) => !METRICS[output].includes(metric));
  const left = asked.filter((metric) => !others.includes(metric));
  if (left.length === 0) return checkedMetrics(others, output, label);
  if (others.length > 0)
    note(`${label}: ${others.join(', ')} ${others.length > 1 ? 'are' : 'is'} not computed here.`);
  return left;
}

/** Punctuation and case count as the file's metric says. */
function generationOf({
  generation_kwargs: asked,
  fewshot_delimiter,
  metric_list,
  filter_list,
}: LmEvalTask): Task['generation'] {
  const { until = fewshot_delimiter ?? '\n\n', max_gen_toks = USUAL_TOKENS } = asked ?? {};
  const match = metric_list?.find(({ metric }) => metric === 'exact_match');
  return {
    until: typeof until === 'string' ? [until] : until,
    tokens: max_gen_toks,
    ignoreCase: match?.ignore_case === true,
    ignorePunctuation: match?.ignore_punctuation === true,
    draw: false,
    trim: (filter_list ?? []).some(({ filter }) =>
      filter.some((one) => one.function === 'remove_whitespace'),
    ),
  };
}

function dataFiles({ dataset_kwargs }: LmEvalTask, split: string): Task['data']['files'] {
  const files = dataset_kwargs?.data_files;
  if (files === undefined) return null;
  return filesBySplit(typeof files === 'string' || Array.isArray(files) ? { [split]: files } : files);
}

function missing(label: string, what: string): UsageError {
  return new UsageError({
    code: 'task-file-incomplete',
    message: `${label} has no ${what}.`,
    hint: 'A task file of lm-evaluation-harness names its splits, doc_to_text and doc_to_target; an include may hold them.',
  });
}
