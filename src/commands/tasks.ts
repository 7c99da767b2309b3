import { BaseCommand } from '../cli/base-command.js';
import { checkpointOverrides, kindFlags } from '../cli/checkpoint-flags.js';
import {
  atCommas,
  betweenSamplers,
  boolean,
  choice,
  integer,
  number,
  repeatable,
  string,
} from '../cli/flags.js';
import { likelihoodFlags, likelihoodOfFlags } from '../cli/likelihood-flags.js';
import { providerFlags } from '../cli/provider-flags.js';
import { plannedOutput, writeResults } from '../cli/results-output.js';
import { numbersOf } from '../cli/sampling-flags.js';
import { selectionOf } from '../cli/selection.js';
import { UNMASKING_ORDERS } from '../diffusion/unmasking.js';
import { UsageError } from '../errors.js';
import { parseShard } from '../evals/shard.js';
import type { ItemLine } from '../evals/tasks/item-lines.js';
import type { TasksTask } from '../library/tasks.js';

const { from: _, ...ofPolicy } = likelihoodFlags;
const policyFlags = {
  ...ofPolicy,
  policy: choice(UNMASKING_ORDERS)({
    summary: 'Order in which tokens are revealed, for --likelihood policy. [default: left-to-right]',
    helpGroup: 'LIKELIHOOD',
  }),
};

export default class Tasks extends BaseCommand<typeof Tasks> {
  static override summary = 'Score multiple-choice and other tasks by likelihood.';
  static override description =
    `Prints one row per model and task. Tasks are built in, or files: ours, or those of lm-evaluation-harness, read as they are. Documents come from the hub or from --data.

A masked model has several likelihoods: policy is exact in one order, a model call for each token; evidence is exact over all orders; bound is drawn where there are many tokens. One unknown token takes one call, which all choices share. Draws are paired over the choices of an item.`;
  static override examples = [
    '<%= config.bin %> tasks --model mdlm.onnx --task arc_easy,piqa',
    '<%= config.bin %> tasks --model ar.onnx --model duo.onnx --task my.yaml --limit 200',
    '<%= config.bin %> tasks --model mdlm.onnx --task blimp --data blimp=blimp/',
  ];

  static override flags = {
    model: repeatable({
      separate: atCommas,
      char: 'm',
      required: true,
      summary: 'Checkpoint: an ONNX file, hf:owner/name, or name=either. Repeatable.',
      helpValue: '<model>',
    }),
    task: repeatable({
      separate: atCommas,
      required: true,
      summary: 'Task: a name or a task file (.yaml). Repeatable, or separated by commas.',
      helpValue: '<task,…>',
    }),
    data: repeatable({
      summary: 'Documents of a task: name=path of a file or folder, or a path for the only one.',
      helpValue: '<data>',
    }),
    'few-shot': integer({
      min: 0,
      max: 100,
      summary: "Examples before each question. [default: the task's]",
    }),
    limit: integer({ min: 1, summary: 'Ask this many items, spread evenly over the split.' }),
    first: integer({ min: 1, summary: 'Ask only the first items, which are no random sample.' }),
    shard: string({ summary: 'Ask part i of n of the items.', helpValue: '<i/n>' }),
    tail: string({
      default: 'none',
      summary: 'What stands behind a continuation: none, eos, masked, or a text.',
      helpValue: '<tail>',
    }),
    bos: choice(['always', 'when-empty'])({
      default: 'always',
      summary: 'Before which contexts BOS stands.',
    }),
    'too-long': choice(['truncate', 'refuse'])({
      default: 'truncate',
      summary: 'Items longer than the model: cut from the left, or refuse.',
    }),
    likelihood: choice(['policy', 'evidence', 'bound'])({
      default: 'policy',
      summary: 'What ln p of a masked model is.',
      helpGroup: 'LIKELIHOOD',
    }),
    ...policyFlags,
    draws: integer({
      min: 2,
      summary: 'Draws per continuation; with --until the most. [default: 128]',
      helpGroup: 'LIKELIHOOD',
    }),
    until: number({
      above: 0,
      summary: 'Draw until the chance of another pick is at most this.',
      helpGroup: 'LIKELIHOOD',
    }),
    seed: integer({ min: 0, default: 1, summary: 'Seed of draws.', helpGroup: 'LIKELIHOOD' }),
    sampler: repeatable({
      separate: betweenSamplers,
      summary:
        'Sampler of tasks that generate, with options as unmask:threshold=0.9. Repeatable. [default: the first of the family]',
      helpValue: '<sampler>',
    }),
    steps: repeatable({
      summary:
        'Steps of tasks that generate; several give AUP. Separated by commas or repeated. [default: 32]',
      helpValue: '<n,…>',
    }),
    'best-accuracy': number({
      above: 0,
      max: 100,
      summary: 'Best known accuracy, in percent, which AUP weighs by. [default: the best of these results]',
    }),
    tokenizer: string({ summary: 'Tokenizer: a folder or a tokenizer.json.', helpValue: '<path>' }),
    batch: integer({ min: 1, max: 4096, summary: 'Sequences per model call; does not change figures.' }),
    ...providerFlags('Where models run'),
    threads: integer({ min: 1, max: 1024, summary: 'CPU threads.' }),
    timeout: number({ above: 0, summary: 'Longest time for one model call, in seconds.' }),
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'Format on stdout. [default: table]' }),
    out: repeatable({
      char: 'o',
      summary: 'Write results to this file too; its ending decides the format. Repeatable.',
      helpValue: '<file>',
    }),
    'by-item': boolean({
      summary: 'Keep the figures of each item in JSON, so that compare and gate can pair.',
    }),
    'log-items': string({
      summary: 'Write every item with its prompts and scores to this file, as JSON lines.',
      helpValue: '<file>',
    }),
    'dry-run': boolean({ summary: 'Print what would be asked, with model calls, and stop.' }),
    fresh: boolean({ summary: 'Start again, even where a stopped run left finished work.' }),
    ...kindFlags,
  };

  async run(): Promise<void> {
    const { flags } = this;
    const log = flags['log-items'];
    const output = await plannedOutput(flags, log === undefined ? [] : [log]);
    const task = this.asked();
    if (flags['dry-run']) return this.plan(task);
    const { evaluateTasks } = await import('../library/tasks.js');
    const lines: ItemLine[] = [];
    await evaluateTasks(
      {
        ...task,
        onItem: log === undefined ? undefined : (line) => lines.push(line),
        keep: async (results) => {
          if (log !== undefined) await this.writeLines(log, lines);
          this.print(await writeResults(output, results, this.screen));
        },
      },
      this.observer,
    );
  }

  private async writeLines(path: string, lines: readonly ItemLine[]): Promise<void> {
    const { replaceFile } = await import('../printing/output.js');
    const { escapedJson } = await import('../printing/json.js');
    await replaceFile(path, lines.map((line) => `${escapedJson(JSON.stringify(line))}\n`).join(''));
  }

  private async plan(task: TasksTask): Promise<void> {
    const { planTasks } = await import('../library/tasks.js');
    const plans = await planTasks(task, this.observer);
    if (this.options.json) return this.printJson({ schemaVersion: 1, plan: plans });
    const { fittedTable } = await import('../printing/layout.js');
    const { plainText } = await import('../terminal-text.js');
    this.print(
      fittedTable(
        [
          { title: 'task', align: 'left', least: 4 },
          { title: 'model', align: 'left', least: 4 },
          { title: 'items', align: 'right' },
          { title: 'continuations', align: 'right' },
          { title: 'model calls', align: 'right' },
          { title: 'tokens read', align: 'right' },
        ],
        plans.map((plan) => [
          plainText(
            [plan.task, plan.sampler, plan.steps && `${plan.steps} steps`].filter(Boolean).join(', '),
          ),
          plainText(plan.model),
          ...[plan.items, plan.continuations, plan.modelCalls, plan.readTokens].map(
            (count) => count?.toLocaleString('en') ?? '',
          ),
        ]),
        this.screen,
      ),
    );
  }

  private asked(): TasksTask {
    const { flags } = this;
    const tasks = flags.task;
    const { likelihood, policy = 'left-to-right' } = flags;
    const asked =
      likelihood === 'policy' ? { likelihood: 'exact' as const, policy } : { likelihood: undefined };
    return {
      models: flags.model,
      tasks,
      data: dataOf(flags.data ?? [], tasks),
      likelihood,
      policy: likelihoodOfFlags({ ...flags, ...asked }, '--likelihood policy'),
      ...{ draws: flags.draws, until: flags.until, seed: flags.seed },
      ...{ tail: flags.tail, bos: flags.bos, tooLong: flags['too-long'], fewShot: flags['few-shot'] },
      selection: selectionOf(flags),
      shard: flags.shard === undefined ? undefined : parseShard(flags.shard),
      overrides: checkpointOverrides(flags),
      ...{ tokenizer: flags.tokenizer, batch: flags.batch, provider: flags.provider, device: flags.device },
      ...{ threads: flags.threads, timeoutSeconds: flags.timeout },
      ...{ byItem: flags['by-item'], fresh: flags.fresh, sampler: flags.sampler },
      steps: flags.steps && numbersOf('steps', flags.steps.join(','), true),
      bestAccuracy: flags['best-accuracy'] === undefined ? undefined : flags['best-accuracy'] / 100,
    };
  }
}

/** @throws UsageError for data of a task that is not asked for */
function dataOf(specs: readonly string[], tasks: readonly string[]): Record<string, string> {
  const named = specs.map((spec): [string, string] => {
    const at = spec.indexOf('=');
    const name = spec.slice(0, Math.max(0, at));
    if (tasks.includes(name)) return [name, spec.slice(at + 1)];
    if (tasks.length === 1) return [tasks[0], spec];
    throw new UsageError({
      code: 'data-of-no-task',
      message: `--data ${spec} does not say of which task it is.`,
      hint: `Give --data name=path, with one of: ${tasks.join(', ')}.`,
    });
  });
  return Object.fromEntries(named);
}
