/**
 * Results in the form of EleutherAI's lm-evaluation-harness (`results_*.json`, from 0.4 on), for tools that read it: one
 * task per data set, figures as `name,none` with `name_stderr,none`. Tasks are called `duo_eval_…`, since their protocol is not that
 * of the tasks of lm-evaluation-harness on the same data; those of `tasks`, whose prompts are the same, have the names and
 * versions that they have there. A file holds one model, as there.
 */
import { UsageError } from '../errors.js';
import { fieldOf, numberOf, type ResultRow } from '../records/evaluation.js';

/** @throws UsageError when the rows are of several models, or of one task twice */
export function lmEvalResults(rows: readonly ResultRow[]): object {
  const models = [...new Set(rows.map(({ model }) => model))];
  if (models.length > 1) {
    throw new UsageError({
      code: 'several-models',
      message: `The form of lm-eval is of one model; these results are of ${models.length}: ${models.join(', ')}.`,
      hint: 'Choose one with --model.',
    });
  }
  const tasks = new Map<string, ResultRow>();
  for (const row of rows) {
    const task = taskOf(row);
    if (tasks.has(task)) {
      throw new UsageError({
        code: 'repeated-task',
        message: `${row.model} has two results of ${task}.`,
        hint: 'Give results of one seed, and one file at a time.',
      });
    }
    tasks.set(task, row);
  }
  const each = <T>(value: (row: ResultRow, task: string) => T) =>
    Object.fromEntries([...tasks].map(([task, row]) => [task, value(row, task)]));
  const [first] = rows;
  return {
    results: each((row, task) => ({ alias: task, ...figuresOf(row) })),
    group_subtasks: each(() => []),
    configs: each((row, task) => ({
      task,
      dataset_name: row.dataset,
      test_split: fieldOf(row, 'dataset.split') ?? null,
      output_type:
        fieldOf(row, 'task.output') ??
        (row.evaluation?.scoresText ? 'loglikelihood_rolling' : 'generate_until'),
      num_fewshot: shotsOf(row),
      metadata: { version: versionOf(row), protocol: row.record.protocol },
    })),
    versions: each((row) => numberOf(row, 'task.version') ?? numberOf(row, 'protocol.version') ?? 1),
    'n-shot': each(shotsOf),
    higher_is_better: each((row) =>
      Object.fromEntries(
        [...row.figures.values()].flatMap(({ declared }) => (declared.lmEval ? [declared.lmEval] : [])),
      ),
    ),
    'n-samples': each((row) => ({
      original:
        numberOf(row, 'dataset.sequences') ??
        numberOf(row, 'samples.count') ??
        numberOf(row, 'dataset.texts'),
      effective: numberOf(row, 'cost.sequences') ?? numberOf(row, 'samples.count'),
    })),
    config: {
      model: 'duo-eval',
      model_args: `path=${String(fieldOf(first, 'model.path') ?? first.model)}`,
      batch_size: numberOf(first, 'environment.batch'),
      device: fieldOf(first, 'environment.provider') ?? null,
      limit: numberOf(first, 'dataset.limit'),
      random_seed: numberOf(first, 'protocol.seed'),
    },
    model_source: 'duo-eval',
    model_name: first.model,
    model_name_sanitized: first.model.replace(/[^\w.-]+/g, '__'),
  };
}

const shotsOf = (row: ResultRow): number => numberOf(row, 'protocol.shots') ?? 0;
const versionOf = (row: ResultRow): number => numberOf(row, 'task.version') ?? 1;

function taskOf(row: ResultRow): string {
  const { eval: evaluation, dataset } = row;
  if (fieldOf(row, 'task.name') !== undefined) return dataset;
  const name = dataset.toLowerCase().replace(/[^a-z0-9]+/g, '_');
  return evaluation === 'ppl' ? `duo_eval_${name}` : `duo_eval_${evaluation}_${name}`;
}

function figuresOf(row: ResultRow): Record<string, number | string> {
  const figures: Record<string, number | string> = {};
  for (const { value, stderr, declared } of row.figures.values()) {
    const metric = declared.lmEval?.[0];
    if (metric === undefined || value === null) continue;
    figures[`${metric},none`] = value;
    figures[`${metric}_stderr,none`] = stderr ?? 'N/A';
  }
  return figures;
}
