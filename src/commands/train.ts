import { BaseCommand } from '../cli/base-command.js';
import { choice, integer, number, string } from '../cli/flags.js';
import { Progress } from '../cli/progress.js';
import { UsageError } from '../errors.js';
import { SIZE_NAMES } from '../models/architectures/dimensions.js';
import { shellCommand } from '../results/shell-command.js';
import type { TrainedModel } from '../training/run-training.js';

const NETWORK = 'NETWORK';
const CURRICULUM = 'CURRICULUM';
const MOST_WARMUP = 2500;
/** Steps whose mean loss the progress shows: single ones scatter. */
const SHOWN_OVER = 50;

export default class Train extends BaseCommand<typeof Train> {
  static override summary = 'Train a model on text.';
  static override description =
    `The network is the published one of its size: ar is causal, the others denoise. Its loss is the one that ppl evaluates. AdamW after clipping to a norm of 1; the learning rate rises, then falls to a tenth.

At every save the folder has the checkpoint, with the moving average of the weights, the loss of every step as a table and as a page (loss.html). A run that was stopped, by Ctrl-C or worse, goes on where it was last saved when the same command is given again, to the same weights bit for bit on as many threads.

Uniform-state models (duo) begin with the Gaussian curriculum: the network reads a softmax of noised one-hot vectors, of which the largest entries are kept.`;
  static override examples = [
    '<%= config.bin %> train --family duo --data sotu-train --tokenizer tok --out duo',
    '<%= config.bin %> train --family ar --data my.txt --tokenizer tok --out ar',
  ];

  static override flags = {
    family: choice(['ar', 'mdlm', 'sedd', 'duo'])({ required: true, summary: 'What kind of model.' }),
    data: string({ required: true, summary: 'Text: a name, name=path, or a path.', helpValue: '<data>' }),
    validation: string({
      summary: 'Text to measure the loss on at every save.',
      helpValue: '<data>',
    }),
    'text-column': string({ summary: 'Column with the text, in tables.', helpValue: '<name>' }),
    tokenizer: string({
      required: true,
      summary: 'Tokenizer: a folder or a tokenizer.json.',
      helpValue: '<path>',
    }),
    out: string({ required: true, summary: 'Folder to write.', helpValue: '<folder>' }),
    steps: integer({ min: 1, default: 1000, summary: 'Steps of the whole run.' }),
    batch: integer({ min: 1, max: 4096, default: 16, summary: 'Sequences a step.' }),
    length: integer({ min: 3, max: 65_536, default: 128, summary: 'Tokens a sequence.' }),
    lr: number({ above: 0, default: 3e-4, summary: 'Highest learning rate.' }),
    warmup: integer({
      min: 0,
      summary: 'Steps in which it rises. [default: a tenth of them all, at most 2500]',
    }),
    'weight-decay': number({ min: 0, default: 0, summary: 'Decay of the weights, times the learning rate.' }),
    ema: number({ min: 0, max: 1, default: 0.999, summary: "Decay of the weights' moving average." }),
    seed: integer({ min: 0, default: 1, summary: 'Of all randomness; same seed, same weights.' }),
    'save-every': integer({ min: 1, default: 500, summary: 'Steps between two saves.' }),
    'validation-sequences': integer({ min: 1, default: 128, summary: 'Sequences to measure the loss on.' }),
    dtype: choice(['float32', 'float16'])({
      default: 'float32',
      summary: 'How the checkpoint keeps the matrices.',
    }),
    threads: integer({ min: 1, max: 1024, summary: 'Threads of the cpu.' }),
    size: choice(SIZE_NAMES)({ default: 'tiny', summary: 'Published size.', helpGroup: NETWORK }),
    'hidden-size': integer({ min: 1, summary: "Width. [default: the size's]", helpGroup: NETWORK }),
    'condition-size': integer({ min: 1, summary: 'Width of the time condition.', helpGroup: NETWORK }),
    blocks: integer({ min: 1, summary: "Blocks. [default: the size's]", helpGroup: NETWORK }),
    heads: integer({ min: 1, summary: "Heads. [default: the size's]", helpGroup: NETWORK }),
    'curriculum-steps': integer({
      min: 0,
      summary: 'Steps it lasts; 0 for none. [default: half of them all]',
      helpGroup: CURRICULUM,
    }),
    'curriculum-temperature': number({
      above: 0,
      default: 1e-3,
      summary: 'Of the softmax.',
      helpGroup: CURRICULUM,
    }),
    'curriculum-top': integer({
      min: 1,
      default: 8,
      summary: 'Entries kept; all, with as many as tokens.',
      helpGroup: CURRICULUM,
    }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const { steps } = flags;
    if (flags.family !== 'duo' && flags['curriculum-steps']) {
      throw new UsageError({
        code: 'curriculum-of-duo',
        message: `--curriculum-steps is for --family duo: ${flags.family} has no Gaussian noise to read.`,
        hint: 'Leave --curriculum-steps out.',
      });
    }
    const { runTraining } = await import('../training/run-training.js');
    const progress = new Progress({ quiet: this.options.quiet });
    const lately: number[] = [];
    let started = '';
    const begin = (label: string, total: number, done: number) => {
      if (label !== started) progress.start(total, label, done);
      started = label;
    };
    try {
      const trained = await runTraining(
        {
          family: flags.family,
          data: flags.data,
          validation: flags.validation ?? null,
          textColumn: flags['text-column'],
          tokenizer: flags.tokenizer,
          size: flags.size,
          changes: {
            hiddenSize: flags['hidden-size'],
            conditionSize: flags['condition-size'],
            blocks: flags.blocks,
            heads: flags.heads,
          },
          length: flags.length,
          steps,
          batch: flags.batch,
          learningRate: flags.lr,
          warmup: flags.warmup ?? Math.min(MOST_WARMUP, Math.floor(steps / 10)),
          weightDecay: flags['weight-decay'],
          averageDecay: flags.ema,
          seed: flags.seed,
          curriculumSteps: flags['curriculum-steps'] ?? Math.floor(steps / 2),
          curriculumTemperature: flags['curriculum-temperature'],
          curriculumKept: flags['curriculum-top'],
          out: flags.out,
          saveEvery: flags['save-every'],
          validationSequences: flags['validation-sequences'],
          dtype: flags.dtype,
          command: this.command(),
          threads: flags.threads,
        },
        {
          signal: this.interrupt,
          packing: (dataset, done, total) => {
            begin(`packing ${dataset}`, total ?? 0, 0);
            progress.update(done);
          },
          resumed: (step, all) => {
            progress.stop();
            if (step < all) this.note(`Going on after step ${step} of ${all}.`);
            else this.note(`The run was finished already: ${all} steps. A longer one takes another --out.`);
          },
          stopped: (step) => {
            progress.stop();
            this.note(`Saved at step ${step}; the same command goes on from there.`);
          },
          stepped: (step, all, { loss }) => {
            begin('training', all, step - 1);
            lately.push(loss);
            if (lately.length > SHOWN_OVER) lately.shift();
            const mean = lately.reduce((sum, one) => sum + one, 0) / lately.length;
            progress.update(step, `loss ${mean.toFixed(3)}`);
          },
          validated: (step, { nelbo, stderr }) => {
            progress.stop();
            this.note(`step ${step}: held-out loss ${nelbo.toFixed(4)} ± ${stderr.toFixed(4)} nats a token`);
          },
        },
      );
      progress.stop();
      await this.report(trained);
    } finally {
      progress.stop();
    }
  }

  /** What measures the model that was trained. */
  private evaluation(model: string): string {
    const { validation, 'text-column': textColumn } = this.flags;
    return shellCommand('ppl', [
      ['model', model],
      ['dataset', validation ?? null],
      ['text-column', (validation && textColumn) || null],
    ]);
  }

  /** What was given, by flags or by the environment, but for what is so anyway. */
  private command(): string {
    const given = Object.entries(Train.flags).map(([name, { default: usual }]): [string, string | null] => {
      const value = this.flags[name as keyof typeof Train.flags];
      return [name, value === undefined || value === usual ? null : String(value)];
    });
    return shellCommand('train', given);
  }

  private async report({
    path,
    dataPath,
    cardPath,
    parameters,
    bytes,
    steps,
    loss,
    ignorance,
    learned,
    validation,
    curvePath,
    plotPath,
  }: TrainedModel): Promise<void> {
    if (!learned)
      this.warnUser(
        `The last steps' loss is no better than knowing nothing, ${ignorance.toFixed(4)}. Try a lower --lr, or more --steps.`,
      );
    if (this.options.json) {
      this.printJson({
        schemaVersion: 1,
        model: path,
        data: dataPath,
        card: cardPath,
        parameters,
        bytes,
        steps,
        loss,
        validation,
        curve: curvePath,
        plot: plotPath,
      });
      return;
    }
    const { alignedColumns } = await import('../cli/aligned-columns.js');
    this.print(
      alignedColumns([
        ['model', path],
        ...(dataPath ? [['data', dataPath]] : []),
        ['card', cardPath],
        ['parameters', parameters.toLocaleString('en-US')],
        ['steps', steps.toLocaleString('en-US')],
        ['loss', `${loss.toFixed(4)} nats a token`],
        ...(validation
          ? [['held-out loss', `${validation.nelbo.toFixed(4)} ± ${validation.stderr.toFixed(4)}`]]
          : []),
        ['plot', plotPath],
      ]),
    );
    this.note(`To evaluate it: ${this.evaluation(path)}`);
  }
}
