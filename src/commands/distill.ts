import { BaseCommand } from '../cli/base-command.js';
import { choice, integer, number, string } from '../cli/flags.js';
import {
  givenCommand,
  RunProgress,
  resultJson,
  resultRows,
  runRequest,
  savingFlags,
  textFlags,
} from '../cli/training-command.js';
import { shellCommand } from '../printing/shell-command.js';
import type { DistilledModel } from '../training/distillation/run-distillation.js';

/** With this many, from 1/512 on, the last gap is the whole time. */
const MOST_ROUNDS = 10;
/** The reference's: 500 of 50,000 steps. */
const WARMUP_SHARE = 0.01;
const HIGHEST_DECAY = 0.9999;

export default class Distill extends BaseCommand<typeof Distill> {
  static override summary = 'Distil a uniform-state model to fewer sampling steps.';
  static override description =
    `Discrete consistency distillation: the same Gaussian noise gives every sequence at two noise levels, a gap of time apart. The student reads the noisier one and is trained towards what the teacher predicts from the other. The gap is 1/512 of the time at first and doubles each round, after which the student becomes the teacher.

Every save writes the checkpoint, duo-dcd.onnx, with the moving average of the weights, and the loss of every step as a table and as a page (loss.html). A run that was stopped, by Ctrl-C or a crash, continues from its last save when the same command is given again; with as many threads, the weights are the same bit for bit.

The checkpoint must come from train or convert.`;
  static override examples = [
    '<%= config.bin %> distill --model duo.onnx --dataset sotu-train --out dcd',
    '<%= config.bin %> bench --model dcd/duo-dcd.onnx --sampler dcd --steps 4,8',
  ];

  static override flags = {
    model: string({ char: 'm', required: true, summary: 'Checkpoint to distil.', helpValue: '<path>' }),
    ...textFlags,
    tokenizer: string({ summary: "Tokenizer. [default: the card's]", helpValue: '<path>' }),
    out: string({ char: 'o', required: true, summary: 'Folder to write.', helpValue: '<folder>' }),
    rounds: integer({ min: 1, max: MOST_ROUNDS, default: 5, summary: 'Rounds; the gap doubles each round.' }),
    'steps-per-round': integer({ min: 1, default: 200, summary: 'Training steps per round.' }),
    batch: integer({ min: 1, max: 4096, default: 16, summary: 'Sequences per step.' }),
    length: integer({ min: 3, max: 65_536, summary: "Tokens per sequence. [default: the checkpoint's]" }),
    lr: number({ above: 0, default: 3e-4, summary: 'Peak learning rate.' }),
    warmup: integer({
      min: 0,
      summary: 'Steps of rising learning rate. [default: a hundredth of all]',
    }),
    'weight-decay': number({ min: 0, default: 0, summary: 'Weight decay, multiplied by the learning rate.' }),
    kl: choice(['student-teacher', 'teacher-student'])({
      default: 'student-teacher',
      summary: 'Direction of the KL divergence: of the first from the second.',
    }),
    'next-teacher': choice(['weights', 'average'])({
      default: 'weights',
      summary: 'What becomes the next teacher: the weights of the student, or their average.',
    }),
    ema: number({
      min: 0,
      max: 1,
      summary: 'Decay of the moving average of the weights. [default: 1 − 10/steps-per-round]',
    }),
    ...savingFlags,
  };

  async run(): Promise<void> {
    const { flags } = this;
    const { rounds } = flags;
    const stepsPerRound = flags['steps-per-round'];
    const { runDistillation } = await import('../training/distillation/run-distillation.js');
    const shown = new RunProgress(this.observer.note, this.progress);
    let latelyOf = 1;
    const distilled = await runDistillation(
      {
        ...runRequest(flags),
        model: flags.model,
        tokenizer: flags.tokenizer,
        length: flags.length,
        rounds,
        stepsPerRound,
        warmup: flags.warmup ?? Math.floor(WARMUP_SHARE * rounds * stepsPerRound),
        averageDecay: flags.ema ?? averageDecay(stepsPerRound),
        nextTeacher: flags['next-teacher'],
        divergence: flags.kl,
        command: givenCommand('distill', Distill.flags, flags),
      },
      {
        ...this.observer,
        resumed: shown.resumed,
        stepped: (step, all, { loss, round }) => {
          // Losses of two rounds are of two things.
          if (round !== latelyOf) shown.forgetLosses();
          latelyOf = round;
          shown.step('distilling', step, all, loss, (mean) => `round ${round}, loss ${mean.toPrecision(3)}`);
        },
        validated: (step, loss) =>
          shown.say(
            `step ${step}, round ${loss.round}: held-out divergence ${heldOutText(loss)} nats per token`,
          ),
      },
    );
    await this.report(distilled);
  }

  private async report(distilled: DistilledModel): Promise<void> {
    const { path, loss, validation } = distilled;
    if (this.options.json) {
      const { checkpoint, losses, figures } = resultJson(distilled);
      this.printJson({ schemaVersion: 1, ...checkpoint, ...losses, ...figures });
      return;
    }
    const { alignedColumns } = await import('../cli/aligned-columns.js');
    const said = { loss: loss.toPrecision(4), heldOut: validation && heldOutText(validation) };
    this.print(alignedColumns(resultRows(distilled, said)));
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

const heldOutText = ({ kl, stderr }: NonNullable<DistilledModel['validation']>): string =>
  `${kl.toPrecision(4)} ± ${stderr.toPrecision(2)}`;
