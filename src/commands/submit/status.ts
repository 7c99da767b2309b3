import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.js';

export default class SubmitStatus extends BaseCommand<typeof SubmitStatus> {
  static override summary = 'Show how the jobs of a submitted suite stand.';
  static override examples = ['<%= config.bin %> submit status job'];

  static override args = {
    folder: argument({ required: true, description: 'The folder that submit was given.' }),
  };

  async run(): Promise<void> {
    const { statesOf, submittedJobs } = await import('../../evals/suite/slurm.js');
    const states = await statesOf(submittedJobs(this.args.folder));
    if (this.flags.json) this.printJson({ tasks: states });
    else this.print(states.map(({ task, state }) => `${task.padEnd(8)}${state}`).join('\n'));
  }
}
