import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.js';

export default class SubmitCancel extends BaseCommand<typeof SubmitCancel> {
  static override summary = 'Cancel the jobs of a submitted suite; what they finished is kept.';
  static override examples = ['<%= config.bin %> submit cancel job'];

  static override args = {
    folder: argument({ required: true, description: 'The folder that submit was given.' }),
  };

  async run(): Promise<void> {
    const { cancelJobs, submittedJobs } = await import('../../evals/suite/slurm.js');
    const jobs = submittedJobs(this.args.folder);
    await cancelJobs(jobs);
    if (this.flags.json) this.printJson({ cancelled: [jobs.array, jobs.merge] });
    else this.print(`Cancelled jobs ${jobs.array} and ${jobs.merge}.`);
  }
}
