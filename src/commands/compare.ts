import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { choice, repeatable } from '../cli/flags.js';
import { UsageError } from '../errors.js';

export default class Compare extends BaseCommand<typeof Compare> {
  static override summary = 'Compare the rows of two result files, with intervals.';
  static override description =
    'First minus second. Sequence by sequence where both files hold the losses of the same ones (ppl --by-sequence), sample by ' +
    'sample where both hold the figures of samples of one seed (gen --by-sample), else by ' +
    "the figures' own errors. ~ marks a difference whose 95% interval holds 0. Rows of different protocols or " +
    'texts are refused.\n\nRows are matched by evaluation, data set and model; models of different names are compared ' +
    'where each file has only one.';
  static override examples = [
    '<%= config.bin %> compare new.json old.json',
    '<%= config.bin %> compare a.json b.json --out difference.md',
  ];

  static override args = {
    a: argument({ required: true, description: 'Results: a JSON file.' }),
    b: argument({ required: true, description: 'Results to compare with.' }),
  };

  static override flags = {
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'What to print.' }),
    out: repeatable({ summary: 'Write it here too; the ending tells the format.', helpValue: '<file>' }),
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
        message: `No row of ${args.a} answers to a row of ${args.b}.`,
        hint: 'Rows are matched by evaluation, data set and model. Give both the same names: --model name=file.',
      });
    }
    const { formatDifferences } = await import('../comparison/printed-differences.js');
    for (const { path, format } of output.files)
      await replaceFile(path, formatDifferences(differences, format));
    this.print(formatDifferences(differences, output.stdout, this.screen));
  }
}
