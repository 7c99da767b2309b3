import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { parseModelSpec } from '../cli/checkpoint-flags.js';
import { boolean, choice, integer, number, repeatable, string } from '../cli/flags.js';
import { Progress } from '../cli/progress.js';

export default class Gen extends BaseCommand<typeof Gen> {
  static override summary = 'Generative quality of samples: judged perplexity, entropy, repetition.';
  static override description =
    'One row a samples file, as `sample --out` writes them. The judge, an autoregressive checkpoint, reads each text with its ' +
    'own tokenizer; its perplexity comes with a bootstrap interval over samples. Low entropy makes a low perplexity, so the ' +
    'two stand side by side, and the same figures of real text beside them with --reference-dataset.';
  static override examples = [
    '<%= config.bin %> gen samples.jsonl --judge gpt2.onnx',
    '<%= config.bin %> gen a=a.jsonl b=b.jsonl --judge gpt2.onnx --reference-dataset sotu',
    '<%= config.bin %> gen samples.jsonl --judge gpt2.onnx --out quality.json --out quality.csv',
  ];

  static override args = {
    files: argument({ required: true, multiple: true, description: 'Samples files, or name=file.' }),
  };

  static override flags = {
    judge: string({
      summary: 'Autoregressive checkpoint: an ONNX file, or name=file.',
      helpValue: '<model>',
    }),
    'judge-tokenizer': string({
      summary: "The judge's tokenizer. [default: its card's]",
      helpValue: '<path>',
    }),
    context: integer({ min: 2, summary: "Tokens the judge reads at a time. [default: its card's]" }),
    tokenizer: string({ summary: "The samples' tokenizer, if not the judge's.", helpValue: '<path>' }),
    'reference-dataset': repeatable({
      summary: 'Real text beside the samples: a name, name=path, or a path.',
      helpValue: '<data>',
    }),
    'text-column': string({ summary: 'Column with the text, in tables.', helpValue: '<name>' }),
    protocol: choice(['duo', 'strict'])({
      default: 'duo',
      summary: 'How texts are decoded: duo cleans up spaces.',
    }),
    seed: integer({ min: 0, default: 1, summary: 'Of the bootstrap.' }),
    batch: integer({ min: 1, max: 4096, summary: 'Windows a model call; changes no figure.' }),
    provider: choice(['cpu', 'webgpu', 'cuda', 'auto'])({ default: 'cpu', summary: 'Where the judge runs.' }),
    threads: integer({ min: 1, max: 1024, summary: 'Threads of the cpu provider.' }),
    timeout: number({ above: 0, summary: 'Most seconds one model call may take.' }),
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'What to print.' }),
    out: repeatable({ summary: 'Write results here too; the ending tells the format.', helpValue: '<file>' }),
    fresh: boolean({ summary: 'Ignore what a stopped run of the same command finished.' }),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const { checkWritable, planOutput, stdoutText, writeOutputs } = await import('../results/output.js');
    const output = planOutput(flags);
    checkWritable(output.files.map(({ path }) => path));
    const { resolveProvider } = await import('../models/provider.js');
    const judge = flags.judge === undefined ? null : parseModelSpec(flags.judge);
    const request = {
      files: args.files.map(parseModelSpec),
      references: (flags['reference-dataset'] ?? []).map((spec) => ({
        spec,
        textColumn: flags['text-column'],
      })),
      tokenizer: flags.tokenizer,
      protocol: flags.protocol,
      seed: flags.seed,
      judge: judge && {
        ...judge,
        tokenizer: flags['judge-tokenizer'],
        context: flags.context,
        provider: await resolveProvider(flags.provider),
        threads: flags.threads,
        timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1000,
        batch: flags.batch,
        fresh: flags.fresh,
      },
    };

    const progress = new Progress({ quiet: this.options.quiet });
    let shown = '';
    const show = (label: string, done: number, total: number | null) => {
      if (label !== shown) progress.start(total ?? 0, label);
      shown = label;
      progress.update(done);
    };
    const say = (speak: (text: string) => void) => (text: string) => {
      progress.stop();
      speak(text);
    };
    try {
      const { reportGenerative } = await import('../evals/generative-report.js');
      const { results, finish } = await reportGenerative(request, {
        note: say((text) => this.note(text)),
        warn: say((text) => this.warnUser(text)),
        packing: (dataset, done, total) => show(`packing ${dataset}`, done, total),
        judging: (name, done, total) => show(`judging ${name}`, done, total),
        signal: this.interrupt,
      });
      progress.stop();
      await writeOutputs(output, results);
      this.print(await stdoutText(output, results, this.screen));
      finish();
    } finally {
      progress.stop();
    }
  }
}
