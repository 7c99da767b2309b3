import { BaseCommand } from '../cli/base-command.js';
import { type Diagnosis, diagnosisText } from '../cli/diagnosis-text.js';

/** Below this much free disk, packed streams and graphs of a large evaluation may not fit. */
const LITTLE_DISK = 1e9;

export default class Doctor extends BaseCommand<typeof Doctor> {
  static override summary = 'Check what this machine can do, and what is wrong with it.';
  static override description =
    'Tries every provider on a small graph in a process of its own, and checks memory, folders and embedded data. The exit status is that of the first thing that prevents evaluation: 3 the runtime, 4 data, 6 folders.';
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --json'];

  async run(): Promise<void> {
    const [{ describeMachine }, { checkFolder }, { cacheFolder, configFolder }, { VERSIONS }] =
      await Promise.all([
        import('../models/machine.js'),
        import('../storage/folder-check.js'),
        import('../storage/folders.js'),
        import('../versions.js'),
      ]);
    const [{ verifyDatasets }, { EMBEDDED_DATASETS }] = await Promise.all([
      import('../datasets/catalogue.js'),
      import('../datasets/embedded-texts.js'),
    ]);
    this.note('Trying providers …');
    const [machine, cache, configuration, embedded] = await Promise.all([
      describeMachine(),
      checkFolder(cacheFolder()),
      checkFolder(configFolder()),
      verifyDatasets(Object.keys(EMBEDDED_DATASETS)),
    ]);
    const diagnosis: Diagnosis = {
      schemaVersion: 1,
      versions: VERSIONS,
      machine,
      folders: [
        { name: 'cache', variable: 'DUO_EVAL_CACHE', ...cache },
        { name: 'configuration', variable: 'DUO_EVAL_CONFIG', ...configuration },
      ],
      embedded: embedded.map(({ name, failure }) => ({
        name,
        problem: failure === null ? null : [failure.message, failure.hint].filter(Boolean).join(' '),
      })),
      littleDisk: cache.freeBytes !== null && cache.freeBytes < LITTLE_DISK,
    };
    if (this.options.json) this.printJson(diagnosis);
    else this.print(diagnosisText(diagnosis, this.screen));
    process.exitCode = exitCodeOf(diagnosis);
  }
}

function exitCodeOf({ machine, folders, embedded }: Diagnosis): number {
  const cpu = machine.providers.find(({ provider }) => provider === 'cpu');
  if (!cpu?.works) return 3;
  if (embedded.some(({ problem }) => problem !== null)) return 4;
  return folders.every(({ writable }) => writable) ? 0 : 6;
}
