import { BaseCommand } from '../cli/base-command.js';
import { checkpointOverrides } from '../cli/checkpoint-flags.js';
import { choice, integer, number, repeatable, string } from '../cli/flags.js';
import { checkAbsent, policiesOfFlags, policyFlags } from '../cli/likelihood-flags.js';
import { comparisonFlags, measuringFlags } from '../cli/measuring-flags.js';
import { plannedOutput, writeResults } from '../cli/results-output.js';
import { numbersOf } from '../cli/sampling-flags.js';
import { selectionOf } from '../cli/selection.js';
import { tableOptions } from '../cli/table-flags.js';
import { UsageError } from '../errors.js';
import type { ResultsFile } from '../records/record.js';

export default class Frontier extends BaseCommand<typeof Frontier> {
  static override summary = 'Compare samplers at equal entropy, or by exact likelihood at equal NFE.';
  static override description =
    `Samples every configuration at each of --temperatures and interpolates its generative perplexity at one entropy: that of --reference-dataset, or --entropy. This compares models at equal variety of text. A run that was stopped continues where it was.

With --by likelihood, nothing is sampled and nothing judged: the exact likelihood of masked models is computed under every --policy and number of --tokens-per-call, and stands against the model calls per sequence. Flags of sampling and judging have no effect then; ar and uniform-state models stand beside with the likelihood they have.`;
  static override examples = [
    '<%= config.bin %> frontier --model a.onnx --model b.onnx --judge gpt2.onnx',
    '<%= config.bin %> frontier --model a.onnx --judge gpt2.onnx --entropy 5.4',
    '<%= config.bin %> frontier --by likelihood --model mdlm.onnx --limit 32',
  ];

  static override flags = {
    ...measuringFlags,
    by: choice(['entropy', 'likelihood'])({
      default: 'entropy',
      summary: 'What is compared: judged samples at one entropy, or exact likelihoods and their NFE.',
    }),
    protocol: choice(['duo', 'strict'])({
      summary:
        'How tokens become text; with --by likelihood, what ppl has it for. [default: duo; strict with --by likelihood, where bounds are bounds]',
    }),
    ...policyFlags,
    dataset: repeatable({
      char: 'd',
      summary: 'Data set of --by likelihood: a name, name=path, or a path. [default: sotu]',
      helpValue: '<data>',
      helpGroup: 'LIKELIHOOD',
    }),
    limit: integer({
      min: 1,
      summary: 'Evaluate this many sequences, spread evenly over the data set.',
      helpGroup: 'LIKELIHOOD',
    }),
    first: integer({
      min: 1,
      summary: 'Evaluate only the first sequences, which are no random sample.',
      helpGroup: 'LIKELIHOOD',
    }),
    temperatures: string({
      default: '0.8,0.9,1,1.1',
      summary: 'Temperatures of the sweep, separated by commas.',
      helpValue: '<x,…>',
    }),
    'reference-dataset': string({
      default: 'sotu',
      summary: 'Real text at whose entropy models are compared.',
      helpValue: '<data>',
    }),
    ...comparisonFlags,
    entropy: number({ above: 0, summary: 'Compare at this entropy, in nats, instead.' }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const ofLikelihood = [...Object.keys(policyFlags), 'dataset', 'limit', 'first'];
    if (flags.by === 'likelihood') return this.compareLikelihoods();
    checkAbsent(flags, ofLikelihood, 'only with --by likelihood');
    const output = await plannedOutput(flags);
    const temperatures = numbersOf('temperatures', flags.temperatures, false);
    const { comparisonOf, measuringRequest } = await import('../cli/measuring-command.js');
    const { resolveProvider } = await import('../models/provider.js');
    const provider = await resolveProvider(flags);
    const references = flags.entropy === undefined ? [flags['reference-dataset']] : [];
    const request = {
      ...measuringRequest(
        { ...flags, protocol: flags.protocol ?? 'duo' },
        { provider, temperature: 1, references },
      ),
      ...comparisonOf(flags, provider),
    };
    if (request.judge === null) throw noJudge();
    const { observer } = this;
    const { withSetUp } = await import('../evals/throughput/setup.js');
    const { measureFrontier } = await import('../evals/frontier/run.js');
    const { resultsFile } = await import('../records/record.js');
    await withSetUp(request, observer, async ({ configurations, judge, comparison, references: [real] }) => {
      // A request with a judge opens one.
      const sweep = { temperatures, target: flags.entropy ?? real, judge: judge!, seed: flags.seed };
      const { results, controls, finish } = await measureFrontier(
        configurations,
        { ...sweep, comparison },
        observer,
      );
      const file = resultsFile([...results, ...controls]);
      this.print(await writeResults(output, file, { ...this.screen, plots: flags.plot }));
      await finish();
    });
  }

  private async compareLikelihoods(): Promise<void> {
    const { flags, observer } = this;
    const ofSamples = [
      'mauve',
      'brier',
      'sampler',
      'sampler-option',
      'judge',
      'judge-tokenizer',
      'context',
      'top-k',
      'top-p',
    ];
    checkAbsent(flags, [...ofSamples, 'entropy'], 'only with --by entropy');
    const output = await plannedOutput(flags);
    const { evaluatePerplexity } = await import('../library/perplexity.js');
    const { openCheckpoint } = await import('../library/checkpoints.js');
    const models = [];
    for (const spec of flags.model)
      models.push(await openCheckpoint(spec, checkpointOverrides(flags), observer));
    await evaluatePerplexity(
      {
        models,
        datasets: (flags.dataset ?? ['sotu']).map((spec) => ({ spec, ...tableOptions(flags) })),
        tokenizer: flags.tokenizer,
        length: flags.length,
        protocol: flags.protocol ?? 'strict',
        selection: selectionOf(flags),
        seed: flags.seed,
        batch: flags.batch,
        likelihood: policiesOfFlags(flags),
        provider: flags.provider,
        device: flags.device,
        threads: flags.threads,
        timeoutSeconds: flags.timeout,
        fresh: flags.fresh,
        keep: async (results: ResultsFile) =>
          this.print(await writeResults(output, results, { ...this.screen, plots: flags.plot })),
      },
      observer,
    );
  }
}

function noJudge(): UsageError {
  return new UsageError({
    code: 'no-judge',
    message: 'A frontier needs a judge, which gives the generative perplexities.',
    hint: 'Give --judge an autoregressive checkpoint, for example GPT-2 exported to ONNX.',
  });
}
