import { setTimeout as pause } from 'node:timers/promises';
import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.js';
import { FileError } from '../../errors.js';
import type { Submission } from '../../evals/suite/scheduler.js';

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
      const { finished, total, end, next } = await scheduler.standing(jobs, folder, this.observer);
      await next?.();
      if (end === 'complete') break;
      if (end !== null) throw new FileError({ code: 'suite-unfinished', ...end });
      this.observer.progress(`tasks of ${folder}`, finished, total);
      await pause(PAUSE_MS, undefined, { signal: this.interrupt });
    }
    const toMerge = await scheduler.toMerge?.(jobs);
    if (toMerge) await this.merge(toMerge);
    const results = scheduler.results?.(jobs) ?? `${folder}/results.json`;
    if (this.flags.json) this.printJson({ results });
    else this.print(`The results are in ${results}.`);
  }
  /** Joins what the cache holds, and writes the results into the folder. @throws FileError `cells-missing` */
  private async merge({ suite: path, settings }: Pick<Submission, 'suite' | 'settings'>): Promise<void> {
    const { folder } = this.args;
    const { gatherSuite, readSuite } = await import('../../library/suites.js');
    const { writeResults } = await import('../../library/results.js');
    const { file, missing } = await gatherSuite(await readSuite(path), settings, this.observer);
    for (const format of ['json', 'csv', 'html'] as const)
      await writeResults(file, `${folder}/results.${format}`, format);
    if (missing.length === 0) return;
    throw new FileError({
      code: 'cells-missing',
      message: `All units are done, and ${missing.length} cells are not in the cache.`,
      hint: 'Workers need the cache of this machine: DUO_EVAL_CACHE.',
    });
  }
}
