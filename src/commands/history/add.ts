import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.js';
import { string } from '../../cli/flags.js';
import { UsageError } from '../../errors.js';

export default class HistoryAdd extends BaseCommand<typeof HistoryAdd> {
  static override summary = 'Put results into a folder of results over time.';
  static override description =
    'Writes a smaller copy of the results, without the figures of single sequences, samples and items, with the time and the commit. Commit the folder, and history show has the trend of each row.';
  static override examples = [
    '<%= config.bin %> history add results.json --into history',
    '<%= config.bin %> history add results.json --into history --at 2026-11-30',
  ];

  static override args = {
    results: argument({ required: true, description: 'Results file (.json).' }),
  };

  static override flags = {
    into: string({ required: true, summary: 'Folder of the history.', helpValue: '<folder>' }),
    at: string({
      summary: 'Day or time of the run, as in 2026-11-30T09:00Z. [default: now]',
      helpValue: '<time>',
    }),
    commit: string({ summary: "Commit that was measured. [default: this checkout's]", helpValue: '<sha>' }),
  };

  async run(): Promise<void> {
    const { into, at, commit } = this.flags;
    const { addEntry, currentCommit } = await import('../../history/entries.js');
    const { readResults } = await import('../../library/results.js');
    const results = await readResults(this.args.results);
    const path = await addEntry(into, results, {
      at: at === undefined ? new Date() : timeOf(at),
      commit: commit === undefined ? await currentCommit() : checkedCommit(commit),
    });
    if (this.options.json) this.printJson({ schemaVersion: 1, path });
    else this.print(path);
  }
}

function timeOf(text: string): Date {
  const time = new Date(/^\d{4}-\d{2}-\d{2}/.test(text) ? text : Number.NaN);
  if (!Number.isNaN(time.getTime())) return time;
  throw new UsageError({
    code: 'invalid-flag-value',
    message: `--at takes a day or a time, not "${text}".`,
    hint: 'For example: --at 2026-11-30, or --at 2026-11-30T09:00Z',
  });
}

function checkedCommit(text: string): string {
  if (/^[0-9a-f]{7,64}$/.test(text)) return text;
  throw new UsageError({
    code: 'invalid-flag-value',
    message: `--commit takes 7 to 64 hexadecimal digits, not "${text}".`,
    hint: 'git rev-parse HEAD prints the commit of a checkout.',
  });
}
