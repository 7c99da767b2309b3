import { BaseCommand } from '../cli/base-command.js';
import { checkpointFlags, checkpointOverrides } from '../cli/checkpoint-flags.js';
import { boolean, choice, integer, number, string } from '../cli/flags.js';
import { checkAbsent, likelihoodFlags, likelihoodOfFlags } from '../cli/likelihood-flags.js';
import { providerFlags } from '../cli/provider-flags.js';
import { PSI_CHOICES } from '../diffusion/subsets.js';
import { UNMASKING_ORDERS } from '../diffusion/unmasking.js';
import type { LikelihoodRecord } from '../evals/likelihood/record.js';
import type { LikelihoodTask } from '../library/likelihood.js';

/** What is given at the start is the context, so there is no --from. */
const { from: _, ...others } = likelihoodFlags;
const policyFlags = {
  ...others,
  policy: choice(UNMASKING_ORDERS)({
    summary: 'Order in which the tokens are revealed, for --longer policy.',
    helpGroup: 'LIKELIHOOD',
  }),
};

export default class Likelihood extends BaseCommand<typeof Likelihood> {
  static override summary = 'Compute ln p of short texts, exactly.';
  static override description =
    `Reads JSON lines, {"context": …, "continuation": …, "tail": …}, each a text or a list of token ids, and prints JSON lines: ln p of the continuation given context and tail. For masked models and up to 12 tokens, every order of revealing them is taken into account: the evidence is ln p under a uniformly random order, the bound is the mean over the orders, and best, worst and left to right are single orders. Autoregressive models have one order.

The tail is what follows: nothing, one EOS, masks to the model's length, or text of your own. It matters: a model that was trained on windows expects EOS at the end.`;
  static override examples = [
    '<%= config.bin %> likelihood --model mdlm.onnx --in prompts.jsonl',
    '<%= config.bin %> likelihood --model mdlm.onnx --in prompts.jsonl --tail eos',
  ];

  static override flags = {
    model: string({
      char: 'm',
      required: true,
      summary: 'Checkpoint: an ONNX file, hf:owner/name, or name=either.',
      helpValue: '<model>',
    }),
    in: string({
      required: true,
      summary: 'File of prompts, one JSON object per line.',
      helpValue: '<file>',
    }),
    tail: string({
      summary: 'What follows where a line does not say it: none, eos, masked, or a text. [default: none]',
      helpValue: '<tail>',
    }),
    psi: choice(PSI_CHOICES)({
      summary: "The likelihood that the upper bound's ψ is. [default: left-to-right]",
    }),
    'subsets-up-to': integer({
      min: 0,
      max: 12,
      default: 12,
      summary: 'Take every order into account up to this many tokens.',
    }),
    longer: choice(['policy', 'exact-count'])({
      summary:
        'What more tokens get: the exact likelihood under --policy, or the bound from draws. [default: they are refused]',
    }),
    draws: integer({ min: 2, summary: 'Draws of exact-count masks per longer item. [default: 256]' }),
    seed: integer({ min: 0, default: 1, summary: 'Seed of draws, and of orders and ties that are drawn.' }),
    'by-subset': boolean({ summary: 'Print ln p of each token given each subset of the others.' }),
    batch: integer({ min: 1, max: 4096, summary: 'Sequences per model call; does not change figures.' }),
    ...providerFlags('Where the model runs'),
    threads: integer({ min: 1, max: 1024, summary: 'CPU threads.' }),
    timeout: number({ above: 0, summary: 'Longest time for one model call, in seconds.' }),
    format: choice(['jsonl', 'table'])({ summary: 'Format on stdout. [default: jsonl]' }),
    out: string({ char: 'o', summary: 'Write the JSON lines to this file too.', helpValue: '<file>' }),
    fresh: boolean({ summary: 'Start again, even where a stopped run left finished work.' }),
    ...policyFlags,
    ...checkpointFlags,
  };

  async run(): Promise<void> {
    const { flags } = this;
    const { checkWritable } = await import('../printing/output.js');
    if (flags.out !== undefined) checkWritable([flags.out]);

    const { openCheckpoint } = await import('../library/checkpoints.js');
    const { conditionalLikelihood } = await import('../library/likelihood.js');
    const { observer } = this;
    const model = await openCheckpoint(flags.model, checkpointOverrides(flags), observer);
    await conditionalLikelihood(
      {
        ...flags,
        model,
        prompts: flags.in,
        bySubset: flags['by-subset'],
        subsetsUpTo: flags['subsets-up-to'],
        longer: longerOf(flags),
        timeoutSeconds: flags.timeout,
        keep: (records) => this.show(records),
      },
      observer,
    );
  }

  private async show(records: readonly LikelihoodRecord[]): Promise<void> {
    const { likelihoodLine, formatLikelihoods } = await import('../evals/likelihood/printed.js');
    const { replaceFile } = await import('../printing/output.js');
    const { format, out } = this.flags;
    if (out !== undefined) await replaceFile(out, records.map(likelihoodLine).join(''));
    if (this.options.json) this.printJson({ schemaVersion: 1, results: records });
    else if (format === 'table') this.print(formatLikelihoods(records, this.screen));
    else for (const record of records) this.print(likelihoodLine(record));
  }
}

interface LongerFlagValues extends Omit<Parameters<typeof likelihoodOfFlags>[0], 'likelihood' | 'from'> {
  longer?: 'policy' | 'exact-count';
  draws?: number;
}

/** @throws UsageError for flags that have no effect */
function longerOf({ longer, draws, ...flags }: LongerFlagValues): LikelihoodTask['longer'] {
  if (longer !== 'exact-count') checkAbsent({ draws }, ['draws'], 'only with --longer exact-count');
  const asked = { ...flags, likelihood: longer === 'policy' ? ('exact' as const) : undefined };
  const settings = likelihoodOfFlags(asked, '--longer policy');
  if (settings) return { method: 'policy', ...settings };
  return longer === 'exact-count' ? { method: 'exact-count', draws } : undefined;
}
