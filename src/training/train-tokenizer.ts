/** `duo-eval train tokenizer`: counts the words of a text, merges pairs, and writes the tokenizer's folder. */

import { join } from 'node:path';
import { byteLevelFiles } from '../datasets/byte-level-files.js';
import { learnMerges } from '../datasets/byte-pair-merges.js';
import { type DatasetRequest, resolveDataset } from '../datasets/resolve-dataset.js';
import type { TextSource } from '../datasets/text-source.js';
import { GPT2_PATTERN } from '../datasets/tokenization/unicode.js';
import { GPT2_BOUNDARY } from '../datasets/tokenizer-files.js';
import { DataError } from '../errors.js';
import type { Observer } from '../observer.js';
import { writeFileAtomically } from '../storage/atomic-file.js';

export interface TokenizerRequest extends Omit<DatasetRequest, 'spec'> {
  /** As `--dataset` takes it. */
  data: string;
  /** Including the 256 bytes and `<|endoftext|>`. */
  vocabSize: number;
  /** How often a pair must occur to become a token. */
  leastCount: number;
  /** Folder to write. */
  out: string;
}

export interface TrainedTokenizer {
  path: string;
  vocabSize: number;
  texts: number;
  /** Rows without text, which were skipped. */
  skippedRows: number;
  /** UTF-8 bytes of the texts, as tokenized. */
  bytes: number;
  /** Unique words. */
  words: number;
  /** How often the last merged pair occurred. */
  leastCount: number;
}

/** Tokens before any merge: the bytes and `<|endoftext|>`. */
const UNMERGED = 257;

/** @throws DataError `text-too-short` when the text has too few pairs; UsageError, FileError; the signal's reason when it aborts */
export async function trainTokenizer(
  { data, textColumn, skipNull, vocabSize, leastCount, out }: TokenizerRequest,
  observer: Observer = {},
): Promise<TrainedTokenizer> {
  const source = await resolveDataset({ spec: data, textColumn, skipNull });
  const counted = await countWords(source, observer);
  const wanted = vocabSize - UNMERGED;
  const learned = await learnMerges(counted.words, wanted, leastCount, async () => {
    await new Promise((resolve) => setImmediate(resolve));
    observer.signal?.throwIfAborted();
  });
  if (learned.merges.length < wanted) {
    const most = UNMERGED + learned.merges.length;
    throw new DataError({
      code: 'text-too-short',
      message: `${source.name} gives a tokenizer of ${most} tokens at most: no further pair occurs ${leastCount} times. ${vocabSize} were asked for.`,
      hint: 'Give more text, or a smaller --vocab-size.',
    });
  }
  const files = byteLevelFiles(learned.merges);
  const path = join(out, 'tokenizer.json');
  for (const name of ['tokenizer_config.json', 'tokenizer.json'] as const)
    await writeFileAtomically(join(out, name), `${JSON.stringify(files[name], null, 2)}\n`);
  const { texts, bytes, words } = counted;
  const skippedRows = source.skippedRows?.() ?? 0;
  const { leastCount: seen } = learned;
  return { path, vocabSize, texts, skippedRows, bytes, words: words.size, leastCount: seen };
}

interface CountedWords {
  /** Word, as one character per byte, → how often it occurs. */
  words: Map<string, number>;
  texts: number;
  bytes: number;
}

/** Words as the tokenizer will split them: `<|endoftext|>` in a text is that token and not part of a word. */
async function countWords(source: TextSource, { signal, progress }: Observer): Promise<CountedWords> {
  const seen = new Map<string, number>();
  let texts = 0;
  for await (const text of source.texts()) {
    signal?.throwIfAborted();
    const whole = source.detokenizer?.detokenize(text) ?? text;
    for (const part of whole.split(GPT2_BOUNDARY)) {
      for (const [word] of part.matchAll(GPT2_PATTERN)) seen.set(word, (seen.get(word) ?? 0) + 1);
    }
    progress?.('reading', ++texts, source.count);
  }
  let bytes = 0;
  const words = new Map<string, number>();
  for (const [word, count] of seen) {
    const encoded = Buffer.from(word, 'utf8');
    bytes += encoded.length * count;
    words.set(encoded.toString('latin1'), count);
  }
  return { words, texts, bytes };
}
