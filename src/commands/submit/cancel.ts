import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.js';

export default class SubmitCancel extends BaseCommand<typeof SubmitCancel> {
  static override summary = 'Cancel the jobs of a submitted suite; what they finished is kept.';
  static override examples = ['<%= config.bin %> submit cancel job'];

  static override args = {
    folder: argument({ required: true, description: 'The folder that submit was given.' }),
  };

  async run(): Promise<void> {
    const { submittedFrom } = await import('../../evals/suite/schedulers.js');
    const { scheduler, jobs } = submittedFrom(this.args.folder);
    const { text, record } = await scheduler.cancel(jobs, this.observer);
    if (this.flags.json) this.printJson(record);
    else this.print(text);
  }
}
