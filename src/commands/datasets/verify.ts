import { string } from '@oclif/core/args';
import { alignedColumns } from '../../cli/aligned-columns.js';
import { BaseCommand } from '../../cli/base-command.js';
import { DataError } from '../../errors.js';

export default class DatasetsVerify extends BaseCommand<typeof DatasetsVerify> {
  static override summary = 'Check that data sets have not changed.';
  static override description =
    'Reads every byte of the embedded, registered and fetched data sets, or of those named, and compares SHA-256. The exit status is 4 when one changed or is missing.';
  static override examples = ['<%= config.bin %> datasets verify', '<%= config.bin %> datasets verify ptb'];

  static override args = {
    names: string({ multiple: true, description: 'Names; all when none is given.' }),
  };

  async run(): Promise<void> {
    const { verifyDatasets } = await import('../../datasets/catalogue.js');
    const results = await verifyDatasets(this.args.names ?? []);
    const failures = results.flatMap(({ failure }) => (failure ? [failure] : []));
    if (!this.options.json) {
      const rows = results.map(({ name, failure }) => [name, failure ? failure.code : 'unchanged']);
      this.print(alignedColumns([['name', 'state'], ...rows]));
    }
    if (failures.length > 0) {
      throw new DataError({
        code: 'datasets-changed',
        message: failures[0].message,
        details: failures.slice(1).map(({ message }) => message),
        hint: failures[0].hint ?? undefined,
      });
    }
    if (this.options.json) {
      const datasets = results.map(({ name, path }) => ({ name, path, state: 'unchanged' }));
      this.printJson({ schemaVersion: 1, datasets });
    }
  }
}
