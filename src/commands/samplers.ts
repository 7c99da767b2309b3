import { BaseCommand } from '../cli/base-command.js';

export default class Samplers extends BaseCommand<typeof Samplers> {
  static override summary = 'Samplers, the families they drive, and their options.';
  static override description =
    'For `sample --sampler`. An option is given as --sampler-option name=value; its default stands behind it.';
  static override examples = ['<%= config.bin %> samplers', '<%= config.bin %> samplers --json'];

  async run(): Promise<void> {
    const { samplers } = await import('../samplers/registry.js');
    if (this.options.json) {
      this.printJson({
        schemaVersion: 1,
        samplers: samplers.map(({ name, summary, families, options = {} }) => ({
          name,
          summary,
          families,
          options,
        })),
      });
      return;
    }
    const { samplersText } = await import('../cli/samplers-text.js');
    this.print(samplersText(samplers, this.screen.width));
  }
}
