import { setTimeout as pause } from 'node:timers/promises';
import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.js';
import { FileError } from '../../errors.js';

const PAUSE_MS = 2000;

export default class SubmitWait extends BaseCommand<typeof SubmitWait> {
  static override summary = 'Wait until the results of a submitted suite are merged.';
  static override description =
    'Ends with status 6 if something is missing; log-merge.txt in the folder says what.';
  static override examples = ['<%= config.bin %> submit wait job'];

  static override args = {
    folder: argument({ required: true, description: 'The folder that submit was given.' }),
  };

  async run(): Promise<void> {
    const { folder } = this.args;
    const { endOf, statesOf, submittedJobs } = await import('../../evals/suite/slurm.js');
    const jobs = submittedJobs(folder);
    for (;;) {
      const states = await statesOf(jobs);
      const end = endOf(states);
      if (end === 'COMPLETED') break;
      if (end !== null)
        throw new FileError({
          code: 'suite-unfinished',
          message: `The merge of ${folder} ended as ${end}.`,
          hint: `${folder}/log-merge.txt says what is missing, and the logs of the tasks say why.`,
        });
      const ended = states.filter(({ state }) => state === 'COMPLETED').length;
      this.observer.progress(`tasks of ${folder}`, ended, jobs.machines);
      await pause(PAUSE_MS, undefined, { signal: this.interrupt });
    }
    if (this.flags.json) this.printJson({ results: `${folder}/results.json` });
    else this.print(`The results are in ${folder}/results.json.`);
  }
}
