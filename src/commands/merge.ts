import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { choice, repeatable } from '../cli/flags.js';
import { plannedOutput, writeResults } from '../cli/results-output.js';

export default class Merge extends BaseCommand<typeof Merge> {
  static override summary = 'Merge the parts of a suite, or of tasks, into one result file.';
  static override description =
    'Joins the JSON that run --shard i/n or tasks --shard i/n wrote, for all i, into what one run writes. It is an error when a part is missing, given twice, of another suite, or of other models or data.';
  static override examples = ['<%= config.bin %> merge part-*.json --out results.json'];

  static override args = {
    parts: argument({ multiple: true, required: true, description: 'Results of the parts: JSON files.' }),
  };

  static override flags = {
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'Format on stdout. [default: table]' }),
    out: repeatable({
      char: 'o',
      summary: 'Write results to this file too; its ending decides the format. Repeatable.',
      helpValue: '<file>',
    }),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const output = await plannedOutput(flags);
    const { mergeFiles } = await import('../evals/merged-files.js');
    this.print(await writeResults(output, mergeFiles(args.parts ?? []), this.screen));
  }
}
