import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { choice, repeatable } from '../cli/flags.js';

export default class Merge extends BaseCommand<typeof Merge> {
  static override summary = 'Join the parts of a suite to the whole.';
  static override description =
    'What run --shard i/n wrote as JSON, for all i, becomes what one run writes. A part that is missing, given twice, of ' +
    'another suite, or that saw other models or data is an error.';
  static override examples = ['<%= config.bin %> merge part-*.json --out results.json'];

  static override args = {
    parts: argument({ multiple: true, required: true, description: 'Results of the parts: JSON files.' }),
  };

  static override flags = {
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'What to print.' }),
    out: repeatable({ summary: 'Write results here too; the ending tells the format.', helpValue: '<file>' }),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const { checkWritable, planOutput, stdoutText, writeOutputs } = await import('../printing/output.js');
    const output = planOutput(flags);
    checkWritable(output.files.map(({ path }) => path));
    const { readPart } = await import('../evals/suite/read-part.js');
    const { merged } = await import('../evals/suite/part-record.js');
    const file = merged((args.parts ?? []).map(readPart));
    const { EVALUATIONS } = await import('../evals/registry.js');
    await writeOutputs(output, file, EVALUATIONS);
    this.print(await stdoutText(output, file, EVALUATIONS, this.screen));
  }
}
