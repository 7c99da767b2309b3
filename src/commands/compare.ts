import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { choice, repeatable } from '../cli/flags.js';
import { UsageError } from '../errors.js';

export default class Compare extends BaseCommand<typeof Compare> {
  static override summary = 'Compare two result files, with intervals.';
  static override description =
    `Differences are first minus second. They are paired by sequence where both files hold the losses of the same sequences (ppl --by-sequence), and by sample where both hold samples of one seed (gen --by-sample); otherwise the standard errors of the two figures are combined. ~ marks a difference whose 95% interval contains 0. Rows of different protocols or texts are refused.

Rows are matched by evaluation, data set and model; models of different names are compared where each file has only one.`;
  static override examples = [
    '<%= config.bin %> compare new.json old.json',
    '<%= config.bin %> compare a.json b.json --out difference.md',
  ];

  static override args = {
    a: argument({ required: true, description: 'Result file, JSON.' }),
    b: argument({ required: true, description: 'Result file to compare with.' }),
  };

  static override flags = {
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'Format on stdout. [default: table]' }),
    out: repeatable({
      char: 'o',
      summary: 'Write to this file too; its ending decides the format. Repeatable.',
      helpValue: '<file>',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = this;
    const { checkWritable, planOutput, replaceFile } = await import('../printing/output.js');
    const output = planOutput(flags);
    checkWritable(output.files.map(({ path }) => path));
    const { compareResults } = await import('../library/results.js');
    const { differences, notices } = await compareResults(args.a, args.b);
    for (const notice of notices) this.note(notice);
    if (differences.length === 0) {
      throw new UsageError({
        code: 'nothing-to-compare',
        message: `No row of ${args.a} matches a row of ${args.b}.`,
        hint: 'Rows are matched by evaluation, data set and model. Give both the same names: --model name=file.',
      });
    }
    const { formatDifferences } = await import('../comparison/printed-differences.js');
    for (const { path, format } of output.files)
      await replaceFile(path, formatDifferences(differences, format));
    this.print(formatDifferences(differences, output.stdout, this.screen));
  }
}
