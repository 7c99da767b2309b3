import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.js';
import { choice, string } from '../../cli/flags.js';
import { historyFlags, trendsOfFlags } from '../../cli/history-flags.js';

export default class HistoryExport extends BaseCommand<typeof HistoryExport> {
  static override summary = 'Write figures over time as files of TensorBoard, MLflow or W&B.';
  static override description =
    'Writes a run for each row, its figures and the ends of their intervals step by step. tensorboard --logdir folder, or mlflow ui --backend-store-uri folder, then shows them, without an account; wandb sync folder/offline-run-* uploads them.';
  static override examples = [
    '<%= config.bin %> history export history --to tensorboard --out runs',
    '<%= config.bin %> history export history --to mlflow --out mlruns',
    '<%= config.bin %> history export history --to wandb --out wandb',
  ];

  static override args = {
    history: argument({ required: true, description: 'Folder, or a file of --branch.' }),
  };

  static override flags = {
    ...historyFlags,
    to: choice(['tensorboard', 'mlflow', 'wandb'])({ required: true, summary: 'Whose files.' }),
    out: string({ char: 'o', required: true, summary: 'Folder to write.', helpValue: '<folder>' }),
  };

  async run(): Promise<void> {
    const trends = await trendsOfFlags(this.args.history, this.flags);
    const { exportTrends } = await import('../../history/exports.js');
    const files = await exportTrends(this.flags.to, this.flags.out, trends);
    if (this.options.json) this.printJson({ schemaVersion: 1, files });
    else this.print(files.join('\n'));
  }
}
