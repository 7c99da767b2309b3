import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.js';
import { choice } from '../../cli/flags.js';
import { historyFlags, trendsOfFlags } from '../../cli/history-flags.js';

export default class HistoryShow extends BaseCommand<typeof HistoryShow> {
  static override summary = 'Show how figures developed, and where their level changed.';
  static override description =
    'Prints a row for each figure over time: the number of runs, its first and last value, its trend, and its last change of level. Changes are judged by the intervals of all runs, so that noise is none. The history is a folder of result files, or with --branch the versions of one file.';
  static override examples = [
    '<%= config.bin %> history show history',
    '<%= config.bin %> history show history --model duo --metric ppl --format csv',
    '<%= config.bin %> history show results.json --branch main',
  ];

  static override args = {
    history: argument({ required: true, description: 'Folder, or a file of --branch.' }),
  };

  static override flags = {
    ...historyFlags,
    format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'Format on stdout. [default: table]' }),
  };

  async run(): Promise<void> {
    const trends = await trendsOfFlags(this.args.history, this.flags);
    if (this.options.json || this.flags.format === 'json')
      return this.printJson({ schemaVersion: 1, trends });
    const { trendsCsv, trendsMarkdown, trendsTable } = await import('../../history/table.js');
    const { format } = this.flags;
    if (format === 'csv') this.print(trendsCsv(trends));
    else this.print(format === 'markdown' ? trendsMarkdown(trends) : trendsTable(trends, this.screen));
  }
}
