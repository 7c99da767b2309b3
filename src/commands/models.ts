import { string as argument } from '@oclif/core/args';
import { alignedColumns } from '../cli/aligned-columns.js';
import { BaseCommand } from '../cli/base-command.js';
import { choice } from '../cli/flags.js';
import { FAMILIES } from '../models/family.js';
import { wrap } from '../terminal-text.js';

export default class Models extends BaseCommand<typeof Models> {
  static override summary = 'List published models that are known by name.';
  static override description =
    'Each opens as it stands: ppl --model hf:owner/name needs no further flag. What its own files leave out, such as the mask or the size of blocks, comes from this list; files and flags win over it. Sizes and contexts are as their authors state them. A licence with a question mark has not been read on its page.';
  static override examples = [
    '<%= config.bin %> models',
    '<%= config.bin %> models qwen --family bd3lm',
    '<%= config.bin %> models --json',
  ];

  static override args = {
    word: argument({ description: 'List only names that hold this word.' }),
  };

  static override flags = {
    family: choice(FAMILIES)({ summary: 'List only models of this family.' }),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const { PUBLISHED_MODELS } = await import('../models/importers/published-models.js');
    const word = args.word?.toLowerCase() ?? '';
    const models = PUBLISHED_MODELS.map((model) => ({ name: nameOf(model), ...model })).filter(
      ({ name, family }) =>
        name.toLowerCase().includes(word) && (flags.family === undefined || family === flags.family),
    );
    if (this.options.json) {
      this.printJson({ schemaVersion: 1, models });
      return;
    }
    const rows = models.map(({ name, family, millions, context, licence, licenceRead }) => [
      name,
      family,
      sizeOf(millions),
      String(context),
      licence === null ? 'not known' : `${licence}${licenceRead ? '' : ' ?'}`,
    ]);
    if (rows.length === 0)
      this.note('None of them is so called. Other repositories open too, if their layout is known.');
    else this.print(alignedColumns([['name', 'family', 'size', 'context', 'licence'], ...rows]));
    if (models.some(({ licence, licenceRead }) => licence !== null && !licenceRead))
      this.print('\n?: as it is usually named; not read on the page of the repository.');
    const ways = [...new Set(models.map(({ verified }) => verified))];
    const verified = ways.map((way) => {
      const some = models
        .filter((model) => model.verified === way)
        .map(({ name }) => name.replace(/^.*\//, ''));
      return `${way}: ${some.join(', ')}.`;
    });
    const lines = verified.flatMap((text) => wrap(text, this.screen.width));
    if (lines.length > 0) this.print(`\nVerified, never with the published file:\n${lines.join('\n')}`);
  }
}

const nameOf = ({ repo, file, revision }: { repo: string; file?: string; revision?: string }): string =>
  `${repo}${file ? `/${file}` : ''}${revision ? `@${revision}` : ''}`;

const sizeOf = (millions: number): string =>
  millions < 1000 ? `${millions}M` : `${(millions / 1000).toPrecision(2)}B`;
