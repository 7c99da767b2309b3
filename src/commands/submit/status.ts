import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.js';

export default class SubmitStatus extends BaseCommand<typeof SubmitStatus> {
  static override summary = 'Show how the jobs of a submitted suite stand.';
  static override examples = ['<%= config.bin %> submit status job'];

  static override args = {
    folder: argument({ required: true, description: 'The folder that submit was given.' }),
  };

  async run(): Promise<void> {
    const { folder } = this.args;
    const { submittedFrom } = await import('../../evals/suite/schedulers.js');
    const { scheduler, jobs } = submittedFrom(folder);
    const { text, record } = await scheduler.standing(jobs, folder, this.observer);
    if (this.flags.json) this.printJson(record);
    else this.print(text);
  }
}
