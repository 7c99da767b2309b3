import { BaseCommand } from '../cli/base-command.js';
import { boolean, number, repeatable, string } from '../cli/flags.js';
import { comparisonFlags, measuringFlags } from '../cli/measuring-flags.js';
import { plannedOutput, writeResults } from '../cli/results-output.js';
import type { openAgainst } from '../evals/throughput/against.js';
import type { MeasuringRequest, Setup } from '../evals/throughput/setup.js';
import type { Format } from '../printing/formats.js';

export default class Bench extends BaseCommand<typeof Bench> {
  static override summary = 'Measure how fast models generate, and how well.';
  static override description =
    `Prints one row per configuration (model × sampler × steps): tokens per second (median over rounds), NFE, and with a --judge the generative perplexity of the samples that were timed. In each round every configuration generates one batch; the first round is a warm-up. * marks the Pareto front.

With --against, every configuration is also timed on another build, interleaved in the order A B B A: another checkpoint of the one --model, or another installation of duo-eval in a process of its own. The ratio of throughputs has a 95% interval over rounds; duo-eval gate can hold it to a limit (metric throughputRatio).`;
  static override examples = [
    '<%= config.bin %> bench --model a.onnx --model b.onnx --steps 8,32 --judge c.onnx',
    '<%= config.bin %> bench --model a.onnx --sampler psi --sampler dcd --out b.csv',
    '<%= config.bin %> bench --model new.onnx --against old.onnx --out speed.json',
  ];

  static override flags = {
    ...measuringFlags,
    batch: string({
      default: '8',
      summary: 'Samples per model call; several, separated by commas, are each timed.',
      helpValue: '<n,…>',
    }),
    ...comparisonFlags,
    temperature: number({ above: 0, default: 1, summary: 'Sampling temperature.' }),
    'reference-dataset': repeatable({
      summary: 'Add a row of real text: a name, name=path, or a path.',
      helpValue: '<data>',
    }),
    against: string({
      summary: 'Build to compare with: a checkpoint, or the folder of another duo-eval.',
      helpValue: '<model|folder>',
    }),
    memory: boolean({
      default: true,
      allowNo: true,
      summary: 'Measure peak memory, each configuration in a process of its own.',
    }),
    'dry-run': boolean({ summary: 'Show what would run and how long it takes, and stop.' }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const output = await plannedOutput(flags);
    const { comparisonOf, measuringRequest } = await import('../cli/measuring-command.js');
    const { resolveProvider } = await import('../models/provider.js');
    const { numbersOf } = await import('../cli/sampling-flags.js');
    const batches = numbersOf('batch', flags.batch, true);
    const provider = await resolveProvider(flags);
    const request = {
      ...measuringRequest(
        { ...flags, batch: batches[0] },
        { provider, temperature: flags.temperature, references: flags['reference-dataset'] ?? [] },
      ),
      batches,
      ...comparisonOf(flags, provider),
    };
    const { observer } = this;
    const { withSetUp } = await import('../evals/throughput/setup.js');
    const { measureThroughput } = await import('../evals/throughput/run.js');
    const { resultsFile } = await import('../records/record.js');
    await withSetUp(request, observer, async (setup) => {
      if (flags['dry-run']) return this.plan(request, setup, output.stdout);
      const { configurations, judge, references, comparison } = setup;
      const against = await this.against(configurations, request, observer.note);
      const options = { judge, comparison, references, seed: flags.seed, memory: flags.memory, against };
      const results = resultsFile(await measureThroughput(configurations, options, observer));
      this.print(await writeResults(output, results, { ...this.screen, plots: flags.plot }));
      judge?.finish();
    });
  }

  private async plan(request: MeasuringRequest, setup: Setup, format: Format | null): Promise<void> {
    const { planThroughput } = await import('../evals/suite/throughput.js');
    const { observer } = this;
    const plan = await planThroughput(request, setup, { memory: this.flags.memory, observer });
    if (format === 'json') return this.printJson(plan);
    const { planTable } = await import('../evals/suite/printed-plan.js');
    this.print(planTable(plan, this.screen));
  }

  private async against(
    configurations: Parameters<typeof openAgainst>[1],
    request: Parameters<typeof openAgainst>[2],
    note: (text: string) => void,
  ) {
    if (this.flags.against === undefined) return undefined;
    const { openAgainst } = await import('../evals/throughput/against.js');
    return openAgainst(await this.specOf(this.flags.against), configurations, request, note);
  }

  private async specOf(spec: string) {
    const { parseModelSpec } = await import('../library/checkpoints.js');
    return parseModelSpec(spec);
  }
}
