import { string as argument } from '@oclif/core/args';
import { alignedColumns } from '../../cli/aligned-columns.js';
import { BaseCommand } from '../../cli/base-command.js';
import { tableFlags, tableOptions } from '../../cli/table-flags.js';

export default class DatasetsAdd extends BaseCommand<typeof DatasetsAdd> {
  static override summary = 'Register a data file under a name.';
  static override description =
    'The name then works as --dataset name. The SHA-256 of the file is recorded: once its bytes change, the name is refused until it is registered again. Under one of the seven names (ptb, lambada, …) the file is read and detokenized as the zero-shot protocol says.';
  static override examples = [
    '<%= config.bin %> datasets add ptb=ptb.valid.txt',
    '<%= config.bin %> datasets add stories=stories.jsonl --text-column story',
    "<%= config.bin %> datasets add 'mine=parts/test-*.parquet'",
  ];

  static override args = {
    dataset: argument({ required: true, description: 'name=path' }),
  };

  static override flags = {
    ...tableFlags,
  };

  async run(): Promise<void> {
    const { addDataset } = await import('../../datasets/catalogue.js');
    const { name, path, sha256, textColumn, skipNull } = await addDataset(
      this.args.dataset,
      tableOptions(this.flags),
    );
    if (this.options.json) {
      const dataset = { name, path, sha256, textColumn: textColumn ?? null, skipNull: skipNull === true };
      this.printJson({ schemaVersion: 1, dataset });
      return;
    }
    const column = textColumn === undefined ? [] : [['column', textColumn]];
    this.print(alignedColumns([['name', name], ['path', path], ['sha256', sha256], ...column]));
  }
}
