import { BaseCommand } from '../cli/base-command.js';

export default class Samplers extends BaseCommand<typeof Samplers> {
  static override summary = 'List the samplers and their options.';
  static override description =
    'Shows which families each sampler works with, and its options with their defaults. Options are given as sample --sampler-option name=value.';
  static override examples = ['<%= config.bin %> samplers', '<%= config.bin %> samplers --json'];

  async run(): Promise<void> {
    const { samplers } = await import('../samplers/registry.js');
    if (this.options.json) {
      this.printJson({
        schemaVersion: 1,
        samplers: samplers.map(({ name, summary, families, options = {}, aliases = {} }) => ({
          name,
          summary,
          families,
          options,
          aliases,
        })),
      });
      return;
    }
    const { samplersText } = await import('../cli/samplers-text.js');
    this.print(samplersText(samplers, this.screen.width));
  }
}
