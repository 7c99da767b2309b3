import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, relativeTo, repeatable, string } from '../cli/flags.js';
import { providerFlag } from '../cli/provider-flags.js';
import { plannedOutput, writeResults } from '../cli/results-output.js';
import { FileError, UsageError } from '../errors.js';
import type { Unit } from '../evals/suite/units.js';
import type { Placement } from '../models/provider.js';

/** Keys of units in one message. */
const KEYS_SHOWN = 20;

export default class Merge extends BaseCommand<typeof Merge> {
  static override summary = 'Merge the parts of a suite, or of tasks, into one result file.';
  static override description =
    `Joins the JSON that run --shard i/n or tasks --shard i/n wrote, for all i, into what one run writes. It is an error when a part is missing, given twice, of another suite, or of other models or data.

--from-cache joins what machines with one cache have finished (run --plan --units). If something is missing, it writes what there is, says which command makes the rest, and ends with status 6.`;
  static override examples = [
    '<%= config.bin %> merge part-*.json --out results.json',
    '<%= config.bin %> merge --from-cache suite.yaml --plan plan.json --out results.json',
  ];

  static override args = {
    parts: argument({ multiple: true, description: 'Results of the parts: JSON files.' }),
  };

  static override flags = {
    'from-cache': string({ summary: 'Join what the cache holds of this suite.', helpValue: '<suite>' }),
    plan: string({
      summary: 'Plan of the units, to name those that are missing.',
      helpValue: '<file>',
      dependsOn: ['from-cache'],
    }),
    provider: providerFlag('Where models ran'),
    'relative-to': relativeTo,
    threads: integer({ min: 1, max: 1024, summary: 'CPU threads, as of the runs.' }),
    'allow-code': boolean({ summary: 'Allow the suite to name modules, such as samplers.' }),
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'Format on stdout. [default: table]' }),
    out: repeatable({
      char: 'o',
      summary: 'Write results to this file too; its ending decides the format. Repeatable.',
      helpValue: '<file>',
    }),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const parts = [args.parts ?? []].flat();
    const suite = flags['from-cache'];
    if ((suite === undefined) === (parts.length === 0))
      throw new UsageError({
        code: 'missing-argument',
        message: 'merge takes the files of parts, or --from-cache with a suite.',
        hint: 'For example: duo-eval merge part-*.json --out results.json',
      });
    const output = await plannedOutput(flags);
    if (suite !== undefined) return this.gather(suite, output);
    const { mergeFiles } = await import('../evals/merged-files.js');
    this.print(await writeResults(output, mergeFiles(parts), this.screen));
  }

  /** Joins what is in the cache. @throws FileError `cells-missing`, once the rest is written */
  private async gather(path: string, output: Awaited<ReturnType<typeof plannedOutput>>): Promise<void> {
    const { plan: planPath, provider, threads, 'allow-code': allowCode } = this.flags;
    const { gatherSuite, readSuite } = await import('../library/suites.js');
    const { providerOf } = await import('../models/provider.js');
    const { readPlan } = await import('../evals/suite/units.js');
    const suite = await readSuite(path, this.flags['relative-to']);
    const plan = planPath === undefined ? undefined : readPlan(planPath, suite);
    const { file, missing, units } = await gatherSuite(
      suite,
      // No session is placed, so the card may be one that this machine lacks.
      {
        plan,
        provider: provider === 'auto' ? provider : providerOf(provider as Placement),
        threads,
        allowCode,
      },
      this.observer,
    );
    this.print(await writeResults(output, file, this.screen));
    if (missing.length === 0) return;
    throw new FileError({
      code: 'cells-missing',
      message: `${missing.length} of ${suite.cells.length} cells are not finished, the first of them cell ${missing[0]}.`,
      hint: await this.commandFor(path, units),
    });
  }

  /** What makes the rest, with the flags that decide under what it is kept. */
  private async commandFor(suite: string, units: readonly Unit[]): Promise<string> {
    const { plan, provider, 'allow-code': allowCode, 'relative-to': folder } = this.flags;
    const { shellWord } = await import('../printing/shell-command.js');
    const flags = `${provider === 'cpu' ? '' : ` --provider ${provider}`}${allowCode ? ' --allow-code' : ''}${folder === undefined ? '' : ` --relative-to ${shellWord(folder)}`}`;
    const run = `duo-eval run ${shellWord(suite)}${flags}`;
    if (plan === undefined || units.length === 0) return `This runs the rest: ${run}`;
    const keys = units.slice(0, KEYS_SHOWN).map(({ key }) => `--unit ${key}`);
    const others = units.length - keys.length;
    const more = others > 0 ? ` and then ${others} more, which merge will name` : '';
    return `Units that are missing (${units.length}): ${run} --plan ${shellWord(plan)} ${keys.join(' ')}${more}`;
  }
}
