import { BaseCommand } from '../cli/base-command.js';
import { checkpointFlags, checkpointOverrides } from '../cli/checkpoint-flags.js';
import { boolean, choice, integer, number, repeatable, string } from '../cli/flags.js';
import { formatDuration } from '../cli/progress.js';
import { providerFlags } from '../cli/provider-flags.js';

export default class Sample extends BaseCommand<typeof Sample> {
  static override summary = 'Generate text from a checkpoint.';
  static override description =
    `Prints JSON lines: a header that says how the samples were made, then one object per sample with token ids, text, NFE and seconds. The same seed gives the same samples at any batch size. A run that was stopped continues when the same command is given again.

duo-eval samplers lists the samplers and their options; --sampler ./mine.mjs loads one of your own. In --infill, <gap> marks where the model writes as many tokens as are left, and <gap 12> where it writes twelve.`;
  static override examples = [
    '<%= config.bin %> sample --model duo.onnx --steps 32 --samples 4',
    '<%= config.bin %> sample --model mdlm.onnx --sampler confidence --out samples.jsonl',
    '<%= config.bin %> sample --model mdlm.onnx --infill "A <gap> end" --trace-html a.html',
  ];

  static override flags = {
    model: string({
      char: 'm',
      required: true,
      summary: 'Checkpoint: an ONNX file, or name=file.',
      helpValue: '<model>',
    }),
    sampler: string({
      summary:
        'A name that duo-eval samplers lists or the path of a module, with options after a colon: psi:eta=0.04. [default: the first of the family]',
      helpValue: '<sampler>',
    }),
    'sampler-option': repeatable({ summary: 'Option of the sampler; repeatable.', helpValue: '<key=value>' }),
    steps: integer({ min: 1, summary: 'Steps from noise to text; ar takes one per token. [default: 32]' }),
    samples: integer({ min: 1, default: 8, summary: 'Number of samples.' }),
    length: integer({ min: 1, summary: "Tokens per sample. [default: the card's]" }),
    batch: integer({ min: 1, max: 4096, summary: 'Samples per model call; does not change samples.' }),
    seed: integer({
      min: 0,
      default: 1,
      summary: 'Seed of all randomness; the same seed gives the same samples.',
    }),
    temperature: number({ default: 1, summary: 'Sampling temperature, above 0.' }),
    'top-k': integer({ summary: 'Draw from this many of the most probable tokens.' }),
    'top-p': number({ summary: 'Draw from the most probable tokens with this total probability.' }),
    prompt: string({ summary: 'Text at the start of each sample.', exclusive: ['infill'] }),
    infill: string({ summary: 'Text with <gap> where the model writes.', exclusive: ['prompt'] }),
    protocol: choice(['duo', 'strict'])({
      default: 'duo',
      summary: 'How tokens become text: duo cleans up spaces.',
    }),
    ...providerFlags('Where the model runs'),
    threads: integer({ min: 1, max: 1024, summary: 'CPU threads.' }),
    timeout: number({
      above: 0,
      summary: 'Longest time for a model call or a step of a module, in seconds.',
    }),
    out: string({
      char: 'o',
      summary: 'Write the samples to this file instead of stdout.',
      helpValue: '<file>',
    }),
    trace: string({ summary: 'Write the tokens of every step, as JSON lines.', helpValue: '<file>' }),
    'trace-html': string({ summary: 'Write a page that animates the steps.', helpValue: '<file>' }),
    fresh: boolean({ summary: 'Start again, even where a stopped run left finished work.' }),
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
    const { observer } = this;
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
      if (whole) this.printJson({ ...run.header, samples: records });
      else if (this.options.json) this.printJson({ ...run.header, ...summary, out: flags.out });
      this.note(
        `${counted(summary.samples, 'sample')}, ${counted(summary.modelCalls, 'model call')}, ${seconds(summary.seconds)}.`,
      );
      await run.finish();
    } finally {
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
