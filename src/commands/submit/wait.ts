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
    const { submittedFrom } = await import('../../evals/suite/schedulers.js');
    const { scheduler, jobs } = submittedFrom(folder);
    for (;;) {
      const { finished, total, end, next } = await scheduler.standing(jobs, folder);
      await next?.();
      if (end === 'complete') break;
      if (end !== null) throw new FileError({ code: 'suite-unfinished', ...end });
      this.observer.progress(`tasks of ${folder}`, finished, total);
      await pause(PAUSE_MS, undefined, { signal: this.interrupt });
    }
    const results = scheduler.results?.(jobs) ?? `${folder}/results.json`;
    if (this.flags.json) this.printJson({ results });
    else this.print(`The results are in ${results}.`);
  }
}
