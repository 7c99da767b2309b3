import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boundariesOf, boundaryFlags } from '../cli/checkpoint-flags.js';
import { boolean, choice, integer, number, repeatable, string } from '../cli/flags.js';
import { Progress } from '../cli/progress.js';
import { oneSampling, samplingFlags, samplingOf } from '../cli/sampling-flags.js';
import { tableFlags, tableOptions } from '../cli/table-flags.js';
import type { Protocol } from '../diffusion/schedule.js';
import { UsageError } from '../errors.js';
import { parseModelSpec } from '../library/checkpoints.js';
import type { Provider } from '../models/provider.js';
import type { SampleRequest } from '../sampling/sample-request.js';

export default class Gen extends BaseCommand<typeof Gen> {
  static override summary = 'Generative quality of samples: judged perplexity, entropy, repetition.';
  static override description =
    'One row a samples file, as `sample --out` writes them, or a --model that is sampled on the spot. The judge, an autoregressive checkpoint, reads each text with its ' +
    'own tokenizer; its perplexity comes with a bootstrap interval over samples. Low entropy makes a low perplexity, so the ' +
    'two stand side by side, and the same figures of real text beside them with --reference-dataset.';
  static override examples = [
    '<%= config.bin %> gen samples.jsonl --judge gpt2.onnx',
    '<%= config.bin %> gen a=a.jsonl b=b.jsonl --judge gpt2.onnx --reference-dataset sotu',
    '<%= config.bin %> gen --model duo.onnx --steps 8 --samples 64 --judge gpt2.onnx',
  ];

  static override args = {
    files: argument({ multiple: true, description: 'Samples files, or name=file.' }),
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
    model: string({ summary: 'Checkpoint to sample: an ONNX file, or name=file.', helpValue: '<model>' }),
    tokenizer: string({ summary: "The samples' or the model's tokenizer.", helpValue: '<path>' }),
    ...boundaryFlags,
    'reference-dataset': repeatable({
      summary: 'Real text beside the samples: a name, name=path, or a path.',
      helpValue: '<data>',
    }),
    ...tableFlags,
    protocol: choice(['duo', 'strict'])({
      default: 'duo',
      summary: 'How texts are decoded: duo cleans up spaces.',
    }),
    seed: integer({ min: 0, default: 1, summary: 'Of sampling and of the bootstrap.' }),
    batch: integer({ min: 1, max: 4096, summary: 'Sequences a model call; changes no figure.' }),
    provider: choice(['cpu', 'webgpu', 'cuda', 'auto'])({ default: 'cpu', summary: 'Where models run.' }),
    threads: integer({ min: 1, max: 1024, summary: 'Threads of the cpu provider.' }),
    timeout: number({ above: 0, summary: "Most seconds of a model call, or of a module's step." }),
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'What to print.' }),
    out: repeatable({ summary: 'Write results here too; the ending tells the format.', helpValue: '<file>' }),
    'by-sample': boolean({
      summary: 'JSON holds the figures of each sample, for duo-eval compare and gate.',
    }),
    fresh: boolean({ summary: 'Ignore what a stopped run of the same command finished.' }),
    ...oneSampling,
    ...samplingFlags,
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const { checkWritable, planOutput, stdoutText, writeOutputs } = await import('../printing/output.js');
    const output = planOutput(flags);
    checkWritable(output.files.map(({ path }) => path));
    const files = (args.files ?? []).map(parseModelSpec);
    if (files.length === 0 && flags.model === undefined) throw nothingToMeasure();
    const { resolveProvider } = await import('../models/provider.js');
    const runtime = {
      protocol: flags.protocol,
      provider: await resolveProvider(flags.provider),
      threads: flags.threads,
      timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1000,
      fresh: flags.fresh,
    };
    const judge = flags.judge === undefined ? null : parseModelSpec(flags.judge);
    const request = {
      files,
      sampling: flags.model === undefined ? null : await this.sampling(flags.model, runtime),
      references: (flags['reference-dataset'] ?? []).map((spec) => ({ spec, ...tableOptions(flags) })),
      tokenizer: flags.tokenizer,
      boundaries: boundariesOf(flags),
      protocol: flags.protocol,
      seed: flags.seed,
      bySample: flags['by-sample'],
      judge: judge && {
        ...judge,
        ...runtime,
        tokenizer: flags['judge-tokenizer'],
        context: flags.context,
        batch: flags.batch,
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
      const { reportGenerative } = await import('../evals/generation/request.js');
      const { results, finish } = await reportGenerative(request, {
        note: say((text) => this.note(text)),
        warn: say((text) => this.warnUser(text)),
        sampling: (name, done, total) => show(`sampling ${name}`, done, total),
        packing: (dataset, done, total) => show(`packing ${dataset}`, done, total),
        judging: (name, done, total) => show(`judging ${name}`, done, total),
        signal: this.interrupt,
      });
      progress.stop();
      const { EVALUATIONS } = await import('../evals/registry.js');
      await writeOutputs(output, results, EVALUATIONS);
      this.print(await stdoutText(output, results, EVALUATIONS, this.screen));
      await finish();
    } finally {
      progress.stop();
    }
  }
  /** What `--model` and the flags of sampling ask for. */
  private async sampling(spec: string, runtime: Runtime): Promise<SampleRequest> {
    const { flags } = this;
    const { openCheckpoint } = await import('../models/checkpoint.js');
    const { prepareSampling } = await import('../sampling/prepare-sampling.js');
    const { path, name } = parseModelSpec(spec);
    const checkpoint = await openCheckpoint(
      path,
      { tokenizer: flags.tokenizer, ...boundariesOf(flags) },
      name,
    );
    for (const notice of checkpoint.notices) this.note(notice);
    const { sampler, steps, temperature } = flags;
    return prepareSampling({ ...samplingOf(flags), ...runtime, checkpoint, sampler, steps, temperature });
  }
}

/** How models run. */
interface Runtime {
  protocol: Protocol;
  provider: Provider;
  threads?: number;
  timeoutMs?: number;
  fresh: boolean;
}

function nothingToMeasure(): UsageError {
  return new UsageError({
    code: 'nothing-to-measure',
    message: 'There is nothing to measure.',
    hint: 'Name samples files that duo-eval sample --out wrote, or a checkpoint to sample: --model duo.onnx',
  });
}
