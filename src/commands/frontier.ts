import { BaseCommand } from '../cli/base-command.js';
import { number, string } from '../cli/flags.js';
import { measuringFlags } from '../cli/measuring-flags.js';
import { plannedOutput, writeResults } from '../cli/results-output.js';
import { numbersOf } from '../cli/sampling-flags.js';
import { UsageError } from '../errors.js';

export default class Frontier extends BaseCommand<typeof Frontier> {
  static override summary = 'Compare generative perplexity of models at equal entropy.';
  static override description =
    `Samples every configuration at each of --temperatures and interpolates its generative perplexity at one entropy: that of --reference-dataset, or --entropy. This compares models at equal variety of text. A run that was stopped continues where it was.`;
  static override examples = [
    '<%= config.bin %> frontier --model a.onnx --model b.onnx --judge gpt2.onnx',
    '<%= config.bin %> frontier --model a.onnx --judge gpt2.onnx --entropy 5.4',
  ];

  static override flags = {
    ...measuringFlags,
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
    entropy: number({ above: 0, summary: 'Compare at this entropy, in nats, instead.' }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const output = await plannedOutput(flags);
    const temperatures = numbersOf('temperatures', flags.temperatures, false);
    const { measuringRequest } = await import('../cli/measuring-command.js');
    const { resolveProvider } = await import('../models/provider.js');
    const request = measuringRequest(flags, {
      provider: await resolveProvider(flags.provider),
      temperature: 1,
      references: flags.entropy === undefined ? [flags['reference-dataset']] : [],
    });
    if (request.judge === null) throw noJudge();
    const { observer } = this;
    const { withSetUp } = await import('../evals/throughput/setup.js');
    const { measureFrontier } = await import('../evals/frontier/run.js');
    const { resultsFile } = await import('../records/record.js');
    await withSetUp(request, observer, async ({ configurations, judge, references: [real] }) => {
      // A request with a judge opens one.
      const options = { temperatures, target: flags.entropy ?? real, judge: judge!, seed: flags.seed };
      const { results, finish } = await measureFrontier(configurations, options, observer);
      const file = resultsFile(results);
      this.print(await writeResults(output, file, this.screen));
      await finish();
    });
  }
}

function noJudge(): UsageError {
  return new UsageError({
    code: 'no-judge',
    message: 'A frontier needs a judge, which gives the generative perplexities.',
    hint: 'Give --judge an autoregressive checkpoint, for example GPT-2 exported to ONNX.',
  });
}
