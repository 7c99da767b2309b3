import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.js';
import { string } from '../../cli/flags.js';
import { historyFlags, trendsOfFlags } from '../../cli/history-flags.js';

export default class HistoryPlot extends BaseCommand<typeof HistoryPlot> {
  static override summary = 'Draw figures over time on a page, with their intervals.';
  static override description =
    'Writes one HTML file that refers to nothing outside itself: a table of all trends, then a plot of each with its interval and the days on which its level changed.';
  static override examples = [
    '<%= config.bin %> history plot history --out history.html',
    '<%= config.bin %> history plot results.json --branch main --metric tokensPerSecond',
  ];

  static override args = {
    history: argument({ required: true, description: 'Folder, or a file of --branch.' }),
  };

  static override flags = {
    ...historyFlags,
    title: string({ default: 'Results over time', summary: 'Title of the page.', helpValue: '<text>' }),
    out: string({ char: 'o', default: 'history.html', summary: 'Page to write.', helpValue: '<file.html>' }),
  };

  async run(): Promise<void> {
    const { out, title } = this.flags;
    const { checkWritable, replaceFile } = await import('../../printing/output.js');
    checkWritable([out]);
    const trends = await trendsOfFlags(this.args.history, this.flags);
    const { historyPage } = await import('../../history/page.js');
    await replaceFile(out, historyPage(trends, title));
    if (this.options.json) this.printJson({ schemaVersion: 1, path: out });
    else this.print(out);
  }
}
