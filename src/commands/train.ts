import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, number, string } from '../cli/flags.js';
import {
  givenCommand,
  RunProgress,
  resultJson,
  resultRows,
  runRequest,
  savingFlags,
  textFlags,
} from '../cli/training-command.js';
import { UsageError } from '../errors.js';
import { SIZE_NAMES } from '../models/architectures/dimensions.js';
import { shellCommand } from '../printing/shell-command.js';
import type { TrainedModel } from '../training/run-training.js';

const NETWORK = 'NETWORK';
const CURRICULUM = 'CURRICULUM';
const MOST_WARMUP = 2500;

export default class Train extends BaseCommand<typeof Train> {
  static override summary = 'Train a model on text.';
  static override description =
    `The network has the published architecture of its size: ar is causal, the others denoise. The loss is the one that ppl evaluates. The optimizer is AdamW with gradients clipped to a norm of 1; the learning rate rises linearly, then falls to a tenth.

Every save writes the checkpoint, with the moving average of the weights, and the loss of every step as a table and as a page (loss.html). A run that was stopped, by Ctrl-C or a crash, continues from its last save when the same command is given again; with as many threads, the weights are the same bit for bit.

Uniform-state models (duo) start with the Gaussian curriculum: the network reads a softmax of noised one-hot vectors, of which the largest entries are kept.`;
  static override examples = [
    '<%= config.bin %> train --family duo --dataset sotu-train --tokenizer tok --out duo',
    '<%= config.bin %> train --family ar --dataset my.txt --tokenizer tok --out ar',
    '<%= config.bin %> train --init qwen.onnx --family mdlm --dataset my.txt \\\n    --tokenizer tok --out masked',
  ];

  static override flags = {
    family: choice(['ar', 'mdlm', 'sedd', 'bd3lm', 'duo', 'd3pm', 'gidd'])({
      required: true,
      summary: 'Kind of model.',
    }),
    ...textFlags,
    tokenizer: string({
      required: true,
      summary: 'Tokenizer: a folder or a tokenizer.json.',
      helpValue: '<path>',
    }),
    out: string({ char: 'o', required: true, summary: 'Folder to write.', helpValue: '<folder>' }),
    plot: boolean({ summary: 'Draw the losses at the end, in characters.' }),
    steps: integer({ min: 1, default: 1000, summary: 'Training steps.' }),
    batch: integer({ min: 1, max: 4096, default: 16, summary: 'Sequences per step.' }),
    length: integer({ min: 3, max: 65_536, default: 128, summary: 'Tokens per sequence.' }),
    'block-size': integer({ min: 1, summary: 'Tokens per block of a bd3lm; it divides the length.' }),
    'diffusion-steps': integer({
      min: 1,
      max: 1_000_000,
      summary: "Steps of a d3pm's discrete time. [default: 1000]",
    }),
    'uniform-share': number({
      above: 0,
      max: 0.99,
      summary: "Uniform noise in a gidd's, at most. [default: 0.2]",
    }),
    lr: number({ above: 0, default: 3e-4, summary: 'Peak learning rate.' }),
    warmup: integer({
      min: 0,
      summary: 'Steps of rising learning rate. [default: a tenth of all, at most 2500]',
    }),
    'weight-decay': number({ min: 0, default: 0, summary: 'Weight decay, multiplied by the learning rate.' }),
    ema: number({ min: 0, max: 1, default: 0.999, summary: 'Decay of the moving average of the weights.' }),
    ...savingFlags,
    init: string({
      summary: 'Start from another checkpoint: its network and weights.',
      helpValue: '<checkpoint>',
      helpGroup: NETWORK,
    }),
    shift: boolean({
      summary: 'With --init: read the logits of a token from the row before.',
      helpGroup: NETWORK,
    }),
    size: choice(SIZE_NAMES)({ summary: 'One of the published sizes. [default: tiny]', helpGroup: NETWORK }),
    'hidden-size': integer({
      min: 1,
      summary: 'Width of the hidden states. [default: of the size]',
      helpGroup: NETWORK,
    }),
    'condition-size': integer({ min: 1, summary: 'Width of the noise-level embedding.', helpGroup: NETWORK }),
    blocks: integer({ min: 1, summary: 'Transformer blocks. [default: of the size]', helpGroup: NETWORK }),
    heads: integer({ min: 1, summary: 'Attention heads. [default: of the size]', helpGroup: NETWORK }),
    'curriculum-steps': integer({
      min: 0,
      summary: 'Steps of the curriculum; 0 for none. [default: half of all]',
      helpGroup: CURRICULUM,
    }),
    'curriculum-temperature': number({
      above: 0,
      default: 1e-3,
      summary: 'Temperature of the softmax.',
      helpGroup: CURRICULUM,
    }),
    'curriculum-top': integer({
      min: 1,
      default: 8,
      summary: 'Entries of the softmax that are kept.',
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
    this.refuseIdleFlags();
    const { runTraining } = await import('../training/run-training.js');
    const shown = new RunProgress(
      this.observer.note,
      this.progress,
      ' For a longer run, give another --out.',
    );
    const trained = await runTraining(
      {
        ...runRequest(flags),
        family: flags.family,
        tokenizer: flags.tokenizer,
        size: flags.size ?? 'tiny',
        init: flags.init,
        shift: flags.shift ?? false,
        changes: {
          hiddenSize: flags['hidden-size'],
          conditionSize: flags['condition-size'],
          blocks: flags.blocks,
          heads: flags.heads,
        },
        length: flags.length,
        blockSize: flags['block-size'],
        diffusionSteps: flags['diffusion-steps'],
        uniformShare: flags['uniform-share'],
        steps,
        warmup: flags.warmup ?? Math.min(MOST_WARMUP, Math.floor(steps / 10)),
        averageDecay: flags.ema,
        curriculumSteps: flags['curriculum-steps'] ?? (flags.init === undefined ? Math.floor(steps / 2) : 0),
        curriculumTemperature: flags['curriculum-temperature'],
        curriculumKept: flags['curriculum-top'],
        command: givenCommand('train', Train.flags, flags),
      },
      {
        ...this.observer,
        resumed: shown.resumed,
        stopped: (step) => shown.say(`Saved at step ${step}; the same command continues from there.`),
        stepped: (step, all, { loss }) =>
          shown.step('training', step, all, loss, (mean) => `loss ${mean.toFixed(3)}`),
        validated: (step, loss) =>
          shown.say(`step ${step}: held-out loss ${heldOutText(loss)} nats per token`),
      },
    );
    await this.report(trained);
  }

  /** @throws UsageError for flags that would have no effect */
  private refuseIdleFlags(): void {
    const { flags } = this;
    if (flags.init === undefined) {
      if (!flags.shift) return;
      throw new UsageError({
        code: 'shift-of-init',
        message: '--shift is for networks that predicted next tokens before: those of --init.',
        hint: 'Leave --shift out, or give --init.',
      });
    }
    const idle = (['size', 'hidden-size', 'condition-size', 'blocks', 'heads'] as const).find(
      (name) => flags[name] !== undefined,
    );
    if (idle === undefined && !flags['curriculum-steps']) return;
    throw new UsageError({
      code: 'flag-of-new-networks',
      message: `--${idle ?? 'curriculum-steps'} is for networks that start at random: that of --init has its own.`,
      hint: `Leave --${idle ?? 'curriculum-steps'} out.`,
    });
  }

  /** What measures the model that was trained. */
  private evaluation(model: string): string {
    const { validation, 'text-column': textColumn, 'skip-null': skipNull } = this.flags;
    return shellCommand('ppl', [
      ['model', model],
      ['dataset', validation ?? null],
      ['text-column', (validation && textColumn) || null],
      ['skip-null', (validation && skipNull) || null],
    ]);
  }

  private async report(trained: TrainedModel): Promise<void> {
    const { path, loss, validation, learned, ignorance } = trained;
    if (!learned)
      this.warnUser(
        `The loss of the last steps is no better than a uniform guess, ${ignorance.toFixed(4)}. Try a lower --lr, or more --steps.`,
      );
    if (this.options.json) {
      const { checkpoint, figures, losses } = resultJson(trained);
      this.printJson({ schemaVersion: 1, ...checkpoint, ...figures, ...losses });
      return;
    }
    const { alignedColumns } = await import('../cli/aligned-columns.js');
    const said = { loss: loss.toFixed(4), heldOut: validation && heldOutText(validation) };
    this.print(alignedColumns(resultRows(trained, said)));
    if (this.flags.plot) {
      const { lossesAsPlot } = await import('../training/loss-tables.js');
      const { textPlot } = await import('../printing/text-plot.js');
      this.print(`\n${textPlot(lossesAsPlot(this.flags.out), this.screen.width)}`);
    }
    this.note(`To evaluate it: ${this.evaluation(path)}`);
  }
}

const heldOutText = ({ nelbo, stderr }: NonNullable<TrainedModel['validation']>): string =>
  `${nelbo.toFixed(4)} ± ${stderr.toFixed(4)}`;
