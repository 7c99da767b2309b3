import { alignedColumns } from '../../cli/aligned-columns.js';
import { BaseCommand } from '../../cli/base-command.js';

export default class DatasetsList extends BaseCommand<typeof DatasetsList> {
  static override summary = 'List the data sets: embedded, registered, fetched and known.';
  static override description =
    'Embedded data sets are ready to use. The others need a file: <%= config.bin %> datasets fetch name gets it from the ' +
    'hub, --dataset name=path names one, and <%= config.bin %> datasets add name=path registers it once.';
  static override examples = ['<%= config.bin %> datasets list'];

  async run(): Promise<void> {
    const { listDatasets } = await import('../../datasets/catalogue.js');
    const datasets = await listDatasets();
    if (this.options.json) {
      this.printJson({ schemaVersion: 1, datasets });
      return;
    }
    const rows = datasets.map(({ name, split, state, form, path }) => [name, split, state, path ?? form]);
    this.print(alignedColumns([['name', 'split', 'state', 'file'], ...rows]));
  }
}
