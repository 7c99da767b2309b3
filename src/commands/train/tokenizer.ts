import { BaseCommand } from '../../cli/base-command.js';
import { integer, string } from '../../cli/flags.js';
import { tableFlags, tableOptions } from '../../cli/table-flags.js';
import { textFlags } from '../../cli/training-command.js';

export default class TrainTokenizer extends BaseCommand<typeof TrainTokenizer> {
  static override summary = 'Train a tokenizer on text.';
  static override description =
    'Byte-level byte-pair encoding with the word splitting of GPT-2: 256 tokens for the bytes, one for each merged pair, the most frequent first, and <|endoftext|> last, which begins and ends a sequence. The same text gives the same files.';
  static override examples = [
    '<%= config.bin %> train tokenizer --dataset sotu-train --vocab-size 1024 --out tok',
    '<%= config.bin %> train tokenizer --dataset my.txt --vocab-size 8192 --out tok',
  ];

  static override flags = {
    dataset: textFlags.dataset,
    ...tableFlags,
    'vocab-size': integer({
      required: true,
      min: 257,
      max: 1_000_000,
      summary: 'Size of the vocabulary.',
      aliases: ['vocab'],
    }),
    'least-count': integer({
      min: 1,
      default: 2,
      summary: 'Occurrences that a pair needs to become a token.',
    }),
    out: string({ char: 'o', required: true, summary: 'Folder to write.', helpValue: '<folder>' }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const { trainTokenizer } = await import('../../training/train-tokenizer.js');
    const trained = await trainTokenizer(
      {
        data: flags.dataset,
        ...tableOptions(flags),
        vocabSize: flags['vocab-size'],
        leastCount: flags['least-count'],
        out: flags.out,
      },
      this.observer,
    );
    if (trained.skippedRows > 0) this.note(`${trained.skippedRows} rows whose text is null were skipped.`);
    if (this.options.json) {
      this.printJson({ schemaVersion: 1, ...trained });
      return;
    }
    const { alignedColumns } = await import('../../cli/aligned-columns.js');
    const number = (value: number) => value.toLocaleString('en-US');
    this.print(
      alignedColumns([
        ['tokenizer', trained.path],
        ['tokens', number(trained.vocabSize)],
        ['text', `${number(trained.bytes)} bytes, ${number(trained.words)} unique words`],
        ['rarest merge', `seen ${number(trained.leastCount)} times`],
      ]),
    );
  }
}
