import { string as argument } from '@oclif/core/args';
import { alignedColumns } from '../../cli/aligned-columns.js';
import { BaseCommand } from '../../cli/base-command.js';
import { boundariesOf, boundaryFlags } from '../../cli/checkpoint-flags.js';
import { boolean, choice, integer, string } from '../../cli/flags.js';
import { tableFlags, tableOptions } from '../../cli/table-flags.js';

export default class DatasetsPack extends BaseCommand<typeof DatasetsPack> {
  static override summary = 'Tokenize and pack a data set; print the hash of its ids.';
  static override description =
    'Prepares what a model is given: texts are detokenized, tokenized, concatenated, cut and wrapped in BOS and EOS. Two ' +
    'programs that print the same sha256 evaluate the same tokens. --out writes the ids.';
  static override examples = [
    '<%= config.bin %> datasets pack sotu --tokenizer gpt2',
    '<%= config.bin %> datasets pack ptb=ptb.txt --tokenizer gpt2 --out ptb.i32',
  ];

  static override args = {
    dataset: argument({ required: true, description: 'A name, name=path, or a path.' }),
  };

  static override flags = {
    tokenizer: string({
      required: true,
      summary: 'Tokenizer: a folder or a tokenizer.json.',
      helpValue: '<path>',
    }),
    length: integer({ min: 1, default: 1024, summary: 'Tokens per sequence, with BOS and EOS.' }),
    protocol: choice(['duo', 'strict'])({ default: 'duo', summary: 'How text is cut.' }),
    'keep-remainder': boolean({ summary: 'Keep the last, shorter sequence (strict).' }),
    ...tableFlags,
    ...boundaryFlags,
    out: string({
      char: 'o',
      summary: 'Write the ids to this file, as int32 little-endian.',
      helpValue: '<file>',
    }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    if (flags.out !== undefined) (await import('../../printing/output.js')).checkWritable([flags.out]);
    const { resolveDataset } = await import('../../datasets/resolve-dataset.js');
    const { loadTokenizer } = await import('../../datasets/tokenizer.js');
    const { packDataset } = await import('../../datasets/pack-dataset.js');
    const { droppedNotice, wrappingNotice } = await import('../../datasets/packing-notices.js');
    const { skippedRowsSaid } = await import('../../datasets/packed-stream.js');
    const source = await resolveDataset({ spec: this.args.dataset, ...tableOptions(flags) });
    const tokenizer = await loadTokenizer(flags.tokenizer, boundariesOf(flags));
    const stream = await packDataset({
      source,
      tokenizer,
      length: flags.length,
      protocol: flags.protocol,
      keepRemainder: flags['keep-remainder'],
      onProgress: (done, total) => this.progress.show(`packing ${source.name}`, done, total),
      signal: this.interrupt,
    });
    try {
      const wrapping = wrappingNotice(tokenizer, flags.length);
      if (wrapping !== null) this.note(wrapping);
      const dropped = droppedNotice(stream);
      if (dropped !== null) this.warnUser(dropped);
      if (flags.out !== undefined) {
        const { writePackedIds } = await import('../../datasets/packed-stream.js');
        await writePackedIds(stream, flags.out);
      }
      const { name, split, texts, tokens, sequences, sha256, sourceSha256, droppedTokens } = stream;
      const skipped = skippedRowsSaid(stream);
      if (skipped !== null) this.note(skipped);
      if (this.options.json) {
        this.printJson({
          schemaVersion: 1,
          dataset: { name, split, sha256, sourceSha256, texts, tokens, sequences },
          protocol: { name: stream.protocol, length: stream.length, tokenizerSha256: stream.tokenizerSha256 },
          wrapped: stream.wrapped,
          bosTokenId: stream.bosTokenId,
          eosTokenId: stream.eosTokenId,
          droppedTokens,
          droppedCharacters: stream.droppedCharacters,
          skippedRows: stream.skippedRows,
        });
        return;
      }
      const facts = { dataset: name, split, texts, tokens, sequences, dropped: droppedTokens, sha256 };
      this.print(alignedColumns(Object.entries(facts).map(([key, value]) => [key, String(value)])));
    } finally {
      stream.close();
    }
  }
}
