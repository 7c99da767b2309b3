import { BaseCommand } from '../cli/base-command.js';
import { checkpointFlags, checkpointOverrides } from '../cli/checkpoint-flags.js';
import { atCommas, boolean, choice, integer, number, repeatable, string } from '../cli/flags.js';
import {
  checkAbsent,
  likelihoodFlags,
  likelihoodOfFlags,
  overOrdersFlag,
  withOrders,
} from '../cli/likelihood-flags.js';
import { providerFlags } from '../cli/provider-flags.js';
import { plannedOutput, writeResults } from '../cli/results-output.js';
import { selectionOf } from '../cli/selection.js';
import { tableFlags, tableOptions } from '../cli/table-flags.js';
import type { SequenceLog } from '../evals/perplexity/sequence-log.js';
import type { ResultsFile } from '../records/record.js';

export default class Ppl extends BaseCommand<typeof Ppl> {
  static override summary = 'Measure zero-shot perplexity of checkpoints on data sets.';
  static override description =
    `Prints one row per model and data set. ± is the standard error over documents, or over blocks of text where documents are unknown or short: how much the figure would vary on other text of the same kind. With several models, a second table has their paired differences; ~ marks those that may be chance.

The protocol "duo" repeats the reference code of The Diffusion Duality, so its figures compare with published ones. "strict" integrates the whole bound.

For masked models, --likelihood exact gives the likelihood of the sampler that reveals masked positions by --policy, without error from draws.`;
  static override examples = [
    '<%= config.bin %> ppl --model duo.onnx',
    '<%= config.bin %> ppl --model mine=a.onnx --model other=b.onnx --dataset moby-dick',
    '<%= config.bin %> ppl --model a.onnx --dataset ptb=ptb.txt --until 0.01 --out a.json',
  ];

  static override flags = {
    model: repeatable({
      separate: atCommas,
      char: 'm',
      required: true,
      summary: 'Checkpoint: an ONNX file, hf:owner/name, or name=either.',
      helpValue: '<model>',
    }),
    dataset: repeatable({
      char: 'd',
      summary: 'Data set: a name, name=path, or a path. [default: sotu]',
      helpValue: '<data>',
    }),
    ...tableFlags,
    protocol: choice(['duo', 'strict'])({
      default: 'duo',
      summary: 'How noise levels are drawn and text is cut.',
    }),
    length: integer({ min: 3, summary: "Tokens per sequence. [default: the card's]" }),
    draws: integer({
      min: 1,
      summary: 'Draws of (t, z) per sequence; with --until, at most. [default: 1; with --until 256]',
    }),
    until: number({
      above: 0,
      summary: 'Draw until half the 95% interval of the NLL over draws is at most this.',
    }),
    estimator: choice(['control-variate', 'plain', 'exact-count'])({
      summary:
        'All estimate the same figure; plain has several times the draw error. [default: exact-count for mdlm, else control-variate]',
    }),
    likelihood: choice(['bound', 'exact'])({
      summary: 'For masked models: their bound, or the exact likelihood under --policy. [default: bound]',
      helpGroup: 'LIKELIHOOD',
    }),
    ...likelihoodFlags,
    ...overOrdersFlag,
    limit: integer({ min: 1, summary: 'Evaluate this many sequences, spread evenly over the data set.' }),
    first: integer({ min: 1, summary: 'Evaluate only the first sequences, which are no random sample.' }),
    seed: integer({
      min: 0,
      default: 1,
      summary: 'Seed of all randomness; the same seed gives the same figure.',
    }),
    batch: integer({ min: 1, max: 4096, summary: 'Sequences per model call; does not change figures.' }),
    ...providerFlags('Where the model runs'),
    threads: integer({ min: 1, max: 1024, summary: 'CPU threads.' }),
    timeout: number({ above: 0, summary: 'Longest time for one model call, in seconds.' }),
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'Format on stdout. [default: table]' }),
    out: repeatable({
      char: 'o',
      summary: 'Write results to this file too; its ending decides the format. Repeatable.',
      helpValue: '<file>',
    }),
    'by-sequence': boolean({
      aliases: ['sequences'],
      summary: 'Keep the loss of each sequence in JSON, so that compare and gate can pair.',
    }),
    'log-sequences': string({ summary: 'Write the loss of every draw, as JSON lines.', helpValue: '<file>' }),
    fresh: boolean({ summary: 'Start again, even where a stopped run left finished work.' }),
    'dry-run': boolean({ summary: 'Show what would run and how long it takes, and stop.' }),
    ...checkpointFlags,
  };

  async run(): Promise<void> {
    const { flags } = this;
    const logPath = flags['log-sequences'];
    const likelihood = withOrders(likelihoodOfFlags(flags), flags['over-orders']);
    if (likelihood) checkAbsent(flags, ['draws', 'estimator'], 'only on a bound: nothing is drawn');
    const output = await plannedOutput(flags, logPath ? [logPath] : []);

    const { openCheckpoint } = await import('../library/checkpoints.js');
    const { evaluatePerplexity, planPerplexity } = await import('../library/perplexity.js');
    const { observer } = this;
    let log: SequenceLog | null = null;
    try {
      const models = [];
      for (const spec of flags.model)
        models.push(await openCheckpoint(spec, checkpointOverrides(flags), observer));
      const task = {
        models,
        datasets: (flags.dataset ?? ['sotu']).map((spec) => ({ spec, ...tableOptions(flags) })),
        tokenizer: flags.tokenizer,
        length: flags.length,
        protocol: flags.protocol,
        draws: flags.draws,
        until: flags.until,
        estimator: flags.estimator,
        likelihood,
        selection: selectionOf(flags),
        seed: flags.seed,
        batch: flags.batch,
        sequences: flags['by-sequence'],
        provider: flags.provider,
        device: flags.device,
        threads: flags.threads,
        timeoutSeconds: flags.timeout,
        fresh: flags.fresh,
      };
      if (flags['dry-run']) {
        const plan = await planPerplexity({ ...task, timed: true }, observer);
        const { planText } = await import('../evals/perplexity/dry-run.js');
        if (output.stdout === 'json') this.printJson({ cells: plan.cells });
        else this.print(planText(plan));
        return;
      }
      const { openSequenceLog } = await import('../evals/perplexity/sequence-log.js');
      log = logPath === undefined ? null : await openSequenceLog(logPath);
      const keep = async (results: ResultsFile) => {
        await log?.finish();
        this.print(await writeResults(output, results, this.screen));
      };
      await evaluatePerplexity({ ...task, onDraw: log?.write, keep }, observer);
    } finally {
      await log?.discard();
    }
  }
}
