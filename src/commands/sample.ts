import { BaseCommand } from '../cli/base-command.js';
import { checkpointFlags, checkpointOverrides } from '../cli/checkpoint-flags.js';
import { boolean, choice, integer, number, repeatable, string } from '../cli/flags.js';
import { formatDuration, Progress } from '../cli/progress.js';

export default class Sample extends BaseCommand<typeof Sample> {
  static override summary = 'Text from a checkpoint: token ids, text, model calls and seconds.';
  static override description =
    'One JSON object a line, after a first line that says how they came about. The same seed gives the same samples at any ' +
    'batch size. A run that is stopped continues where it was when the same command is given again.\n\n' +
    '`samplers` lists the samplers with their options; a module of your own is one too: --sampler ./mine.mjs. In --infill, ' +
    '<gap> marks where the model writes, as many tokens as are left, and <gap 12> twelve of them.';
  static override examples = [
    '<%= config.bin %> sample --model duo.onnx --steps 32 --samples 4',
    '<%= config.bin %> sample --model mdlm.onnx --sampler confidence --out samples.jsonl',
    '<%= config.bin %> sample --model mdlm.onnx --infill "A <gap> end" --trace-html a.html',
  ];

  static override flags = {
    model: string({
      required: true,
      summary: 'Checkpoint: an ONNX file, or name=file.',
      helpValue: '<model>',
    }),
    sampler: string({
      summary: "A name that `samplers` lists, or a module's path. [default: the family's first]",
      helpValue: '<sampler>',
    }),
    'sampler-option': repeatable({ summary: 'An option of the sampler.', helpValue: '<key=value>' }),
    steps: integer({ min: 1, summary: 'Steps from noise to text; ar takes one a token. [default: 32]' }),
    samples: integer({ min: 1, default: 8, summary: 'How many.' }),
    length: integer({ min: 1, summary: "Tokens a sample. [default: the card's]" }),
    batch: integer({ min: 1, max: 4096, summary: 'Samples a model call; changes no sample.' }),
    seed: integer({ min: 0, default: 1, summary: 'Of all randomness; same seed, same samples.' }),
    temperature: number({ default: 1, summary: 'Of the draws; above 0.' }),
    'top-k': integer({ summary: 'Draw from so many of the most probable tokens.' }),
    'top-p': number({ summary: 'Draw from the most probable tokens of this total probability.' }),
    prompt: string({ summary: 'Text that each sample begins with.', exclusive: ['infill'] }),
    infill: string({ summary: 'Text with <gap> where the model writes.', exclusive: ['prompt'] }),
    protocol: choice(['duo', 'strict'])({
      default: 'duo',
      summary: 'How tokens become text: duo cleans up spaces.',
    }),
    provider: choice(['cpu', 'webgpu', 'cuda', 'auto'])({ default: 'cpu', summary: 'Where the model runs.' }),
    threads: integer({ min: 1, max: 1024, summary: 'Threads of the cpu provider.' }),
    timeout: number({ above: 0, summary: "Most seconds of a model call, or of a module's step." }),
    out: string({ summary: 'Write the samples here, not to stdout.', helpValue: '<file>' }),
    trace: string({ summary: "Write every step's tokens, as JSON lines.", helpValue: '<file>' }),
    'trace-html': string({ summary: 'Write a page that plays the steps.', helpValue: '<file>' }),
    fresh: boolean({ summary: 'Ignore what a stopped run of the same command finished.' }),
    ...checkpointFlags,
  };

  async run(): Promise<void> {
    const { flags } = this;
    const { checkDistinctPaths } = await import('../sampling/prepare-sampling.js');
    const { checkWritable } = await import('../printing/output.js');
    const files = [flags.out, flags.trace, flags['trace-html']].filter((path) => path !== undefined);
    checkDistinctPaths(files);
    checkWritable(files);

    const { openCheckpoint } = await import('../library/checkpoints.js');
    const { sample } = await import('../library/samples.js');
    const progress = new Progress({ quiet: this.options.quiet });
    const observer = this.observer(progress);
    const checkpoint = await openCheckpoint(flags.model, checkpointOverrides(flags), observer);
    const run = await sample(
      {
        ...flags,
        model: checkpoint,
        samplerOptions: flags['sampler-option'],
        topK: flags['top-k'],
        topP: flags['top-p'],
        timeoutSeconds: flags.timeout,
        traced: flags.trace !== undefined || flags['trace-html'] !== undefined,
      },
      observer,
    );
    const { checkStandardOutput } = await import('../cli/standard-output.js');
    const { writeSamples } = await import('../sampling/sample-outputs.js');
    const { fileOutput, streamOutput } = await import('../printing/line-output.js');
    const whole = this.options.json && flags.out === undefined;
    try {
      const records: object[] = [];
      const lines =
        flags.out === undefined
          ? whole
            ? null
            : streamOutput(process.stdout, checkStandardOutput)
          : await fileOutput(flags.out);
      const summary = await writeSamples(
        run,
        { lines, trace: flags.trace, page: flags['trace-html'] },
        { ...run.request, maskTokenId: checkpoint.maskTokenId },
        (record) => whole && records.push(record),
      );
      progress.stop();
      if (whole) this.printJson({ ...run.header, samples: records });
      else if (this.options.json) this.printJson({ ...run.header, ...summary, out: flags.out });
      this.note(
        `${counted(summary.samples, 'sample')}, ${counted(summary.modelCalls, 'model call')}, ${seconds(summary.seconds)}.`,
      );
      await run.finish();
    } finally {
      progress.stop();
      await run.close();
    }
  }
}

function seconds(value: number): string {
  return value < 10 ? `${value.toPrecision(2)} s` : formatDuration(value);
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
