import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boundariesOf, boundaryFlags, checkpointOverrides, kindFlags } from '../cli/checkpoint-flags.js';
import { boolean, choice, integer, number, repeatable, string } from '../cli/flags.js';
import { comparisonFlags } from '../cli/measuring-flags.js';
import { providerFlags } from '../cli/provider-flags.js';
import { plannedOutput, writeResults } from '../cli/results-output.js';
import { oneSampling, samplingFlags, samplingOf } from '../cli/sampling-flags.js';
import { tableFlags, tableOptions } from '../cli/table-flags.js';
import type { Protocol } from '../diffusion/schedule.js';
import { UsageError } from '../errors.js';
import { parseModelSpec } from '../library/checkpoints.js';
import type { Placement } from '../models/provider.js';
import type { SampleRequest } from '../sampling/sample-request.js';

export default class Gen extends BaseCommand<typeof Gen> {
  static override summary = 'Judge generated text: perplexity, entropy, repetition.';
  static override description =
    `Prints one row per samples file, as "sample --out" writes them, or samples a --model first. The judge, an autoregressive checkpoint, reads each text with its own tokenizer; its perplexity has a bootstrap interval over samples. Repetitive text has low perplexity, so entropy is printed beside it. --reference-dataset adds the same figures for real text, and n-gram divergences from it; --mauve, --brier and --controls compare with it, too.`;
  static override examples = [
    '<%= config.bin %> gen samples.jsonl --judge gpt2.onnx',
    '<%= config.bin %> gen a=a.jsonl b=b.jsonl --judge gpt2.onnx --reference-dataset sotu',
    '<%= config.bin %> gen --model duo.onnx --steps 8 --samples 64 --judge gpt2.onnx',
    '<%= config.bin %> gen a.jsonl --reference-dataset sotu --mauve gpt2.onnx --controls',
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
    context: integer({ min: 2, summary: "Context of the judge, in tokens. [default: its card's]" }),
    model: string({
      char: 'm',
      summary: 'Checkpoint to sample: an ONNX file, or name=file.',
      helpValue: '<model>',
    }),
    tokenizer: string({ summary: 'Tokenizer of the samples or of the model.', helpValue: '<path>' }),
    ...boundaryFlags,
    'reference-dataset': repeatable({
      summary: 'Add a row of real text: a name, name=path, or a path.',
      helpValue: '<data>',
    }),
    ...comparisonFlags,
    ...tableFlags,
    protocol: choice(['duo', 'strict'])({
      default: 'duo',
      summary: 'How tokens become text: duo cleans up spaces.',
    }),
    seed: integer({ min: 0, default: 1, summary: 'Seed of sampling and of the bootstrap.' }),
    batch: integer({ min: 1, max: 4096, summary: 'Sequences per model call; does not change figures.' }),
    ...providerFlags('Where models run'),
    threads: integer({ min: 1, max: 1024, summary: 'CPU threads.' }),
    timeout: number({
      above: 0,
      summary: 'Longest time for a model call or a step of a module, in seconds.',
    }),
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'Format on stdout. [default: table]' }),
    out: repeatable({
      char: 'o',
      summary: 'Write results to this file too; its ending decides the format. Repeatable.',
      helpValue: '<file>',
    }),
    'by-sample': boolean({
      summary: 'Keep the figures of each sample in JSON, so that compare and gate can pair.',
    }),
    fresh: boolean({ summary: 'Start again, even where a stopped run left finished work.' }),
    ...oneSampling,
    ...samplingFlags,
    ...kindFlags,
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const output = await plannedOutput(flags);
    const files = (args.files ?? []).map(parseModelSpec);
    if (files.length === 0 && flags.model === undefined) throw nothingToMeasure();
    const { resolveProvider } = await import('../models/provider.js');
    const { comparisonOf, runSettings } = await import('../cli/measuring-command.js');
    const provider = await resolveProvider(flags);
    const runtime = { protocol: flags.protocol, ...runSettings(flags, provider) };
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
      ...comparisonOf(flags, provider, { batch: flags.batch }),
    };

    const { reportGenerative } = await import('../evals/generation/request.js');
    const { results, finish } = await reportGenerative(request, this.observer);
    this.print(await writeResults(output, results, this.screen));
    await finish();
  }

  /** What `--model` and the flags of sampling ask for. */
  private async sampling(spec: string, runtime: Runtime): Promise<SampleRequest> {
    const { flags } = this;
    const { openCheckpoint } = await import('../models/checkpoint.js');
    const { prepareSampling } = await import('../sampling/prepare-sampling.js');
    const { path, name } = parseModelSpec(spec);
    const checkpoint = await openCheckpoint(path, checkpointOverrides(flags), name);
    for (const notice of checkpoint.notices) this.note(notice);
    const { sampler, steps, temperature } = flags;
    return prepareSampling({ ...samplingOf(flags), ...runtime, checkpoint, sampler, steps, temperature });
  }
}

/** How models run. */
interface Runtime {
  protocol: Protocol;
  provider: Placement;
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
