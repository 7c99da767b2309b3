import { BaseCommand } from '../cli/base-command.js';
import { choice, integer, number, string } from '../cli/flags.js';
import { Progress } from '../cli/progress.js';
import { shellCommand } from '../results/shell-command.js';
import type { DistilledModel } from '../training/run-distillation.js';

/** The reference's: 500 of 50,000 steps. */
const WARMUP_SHARE = 0.01;
const HIGHEST_DECAY = 0.9999;
/** Steps whose mean loss the progress shows: single ones scatter. */
const SHOWN_OVER = 50;

export default class Distill extends BaseCommand<typeof Distill> {
  static override summary = 'Distil a uniform-state model to fewer steps.';
  static override description =
    `Discrete consistency distillation: one Gaussian noise gives every sequence at two levels, a gap of time apart, and the student, which reads the noisier, is pulled to what the teacher says of the other. The gap begins at 1/512 of the time and doubles each round; then the student becomes the teacher.

At every save the folder has the checkpoint, duo-dcd.onnx, with the moving average of the weights, the loss of every step as a table and as a page (loss.html). A run that was stopped, by Ctrl-C or worse, goes on where it was last saved when the same command is given again, to the same weights bit for bit on as many threads.

The checkpoint must be one that train or convert made.`;
  static override examples = [
    '<%= config.bin %> distill --model duo.onnx --data sotu-train --out dcd',
    '<%= config.bin %> bench --model dcd/duo-dcd.onnx --sampler dcd --steps 4,8',
  ];

  static override flags = {
    model: string({ required: true, summary: 'Checkpoint to distil.', helpValue: '<path>' }),
    data: string({ required: true, summary: 'Text: a name, name=path, or a path.', helpValue: '<data>' }),
    validation: string({
      summary: 'Text to measure the loss on at every save.',
      helpValue: '<data>',
    }),
    'text-column': string({ summary: 'Column with the text, in tables.', helpValue: '<name>' }),
    tokenizer: string({ summary: "Tokenizer. [default: the card's]", helpValue: '<path>' }),
    out: string({ required: true, summary: 'Folder to write.', helpValue: '<folder>' }),
    rounds: integer({ min: 1, max: 10, default: 5, summary: 'Rounds; the gap doubles in each.' }),
    'steps-per-round': integer({ min: 1, default: 200, summary: 'Steps of a round.' }),
    batch: integer({ min: 1, max: 4096, default: 16, summary: 'Sequences a step.' }),
    length: integer({ min: 3, max: 65_536, summary: "Tokens a sequence. [default: the checkpoint's]" }),
    lr: number({ above: 0, default: 3e-4, summary: 'Learning rate.' }),
    warmup: integer({
      min: 0,
      summary: 'Steps in which it rises. [default: a hundredth of them all]',
    }),
    'weight-decay': number({ min: 0, default: 0, summary: 'Decay of the weights, times the learning rate.' }),
    kl: choice(['student-teacher', 'teacher-student'])({
      default: 'student-teacher',
      summary: 'Direction of the divergence: of the first from the second.',
    }),
    'next-teacher': choice(['weights', 'average'])({
      default: 'weights',
      summary: 'What of the student becomes the teacher.',
    }),
    ema: number({
      min: 0,
      max: 1,
      summary: "Decay of the weights' average. [default: 1 − 10/steps-per-round]",
    }),
    seed: integer({ min: 0, default: 1, summary: 'Of all randomness; same seed, same weights.' }),
    'save-every': integer({ min: 1, default: 500, summary: 'Steps between two saves.' }),
    'validation-sequences': integer({ min: 1, default: 128, summary: 'Sequences to measure the loss on.' }),
    dtype: choice(['float32', 'float16'])({
      default: 'float32',
      summary: 'How the checkpoint keeps the matrices.',
    }),
    threads: integer({ min: 1, max: 1024, summary: 'Threads of the cpu.' }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const { rounds } = flags;
    const stepsPerRound = flags['steps-per-round'];
    const { runDistillation } = await import('../training/run-distillation.js');
    const progress = new Progress({ quiet: this.options.quiet });
    const lately: number[] = [];
    let latelyOf = 1;
    let started = '';
    const begin = (label: string, total: number, done: number) => {
      if (label !== started) progress.start(total, label, done);
      started = label;
    };
    try {
      const distilled = await runDistillation(
        {
          model: flags.model,
          data: flags.data,
          validation: flags.validation ?? null,
          textColumn: flags['text-column'],
          tokenizer: flags.tokenizer,
          length: flags.length,
          rounds,
          stepsPerRound,
          batch: flags.batch,
          learningRate: flags.lr,
          warmup: flags.warmup ?? Math.floor(WARMUP_SHARE * rounds * stepsPerRound),
          weightDecay: flags['weight-decay'],
          averageDecay: flags.ema ?? averageDecay(stepsPerRound),
          nextTeacher: flags['next-teacher'],
          divergence: flags.kl,
          seed: flags.seed,
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
            else this.note(`The run was finished already: ${all} steps.`);
          },
          stepped: (step, all, round, { loss }) => {
            begin('distilling', all, step - 1);
            // Losses of two rounds are of two things.
            if (round !== latelyOf) lately.length = 0;
            latelyOf = round;
            lately.push(loss);
            if (lately.length > SHOWN_OVER) lately.shift();
            const mean = lately.reduce((sum, one) => sum + one, 0) / lately.length;
            progress.update(step, `round ${round}, loss ${mean.toPrecision(3)}`);
          },
          validated: (step, round, { kl, stderr }) => {
            progress.stop();
            const figure = `${kl.toPrecision(4)} ± ${stderr.toPrecision(2)}`;
            this.note(`step ${step}, round ${round}: held-out divergence ${figure} nats a token`);
          },
        },
      );
      progress.stop();
      await this.report(distilled);
    } finally {
      progress.stop();
    }
  }

  /** What was given, by flags or by the environment, but for what is so anyway. */
  private command(): string {
    const given = Object.entries(Distill.flags).map(([name, { default: usual }]): [string, string | null] => {
      const value = this.flags[name as keyof typeof Distill.flags];
      return [name, value === undefined || value === usual ? null : String(value)];
    });
    return shellCommand('distill', given);
  }

  private async report({
    path,
    dataPath,
    cardPath,
    parameters,
    bytes,
    steps,
    loss,
    validation,
    curvePath,
    plotPath,
  }: DistilledModel): Promise<void> {
    if (this.options.json) {
      const files = { model: path, data: dataPath, card: cardPath, curve: curvePath, plot: plotPath };
      this.printJson({ schemaVersion: 1, ...files, parameters, bytes, steps, loss, validation });
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
        ['loss', `${loss.toPrecision(4)} nats a token`],
        ...(validation
          ? [['held-out loss', `${validation.kl.toPrecision(4)} ± ${validation.stderr.toPrecision(2)}`]]
          : []),
        ['plot', plotPath],
      ]),
    );
    const sampling = shellCommand('sample', [
      ['model', path],
      ['sampler', 'dcd'],
      ['steps', '8'],
    ]);
    this.note(`To sample from it: ${sampling}`);
  }
}

/** It remembers about a tenth of a round: 0.999 at the reference's 10,000 steps. */
const averageDecay = (stepsPerRound: number): number =>
  Math.min(HIGHEST_DECAY, Math.max(0, 1 - 10 / stepsPerRound));
