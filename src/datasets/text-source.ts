/** Where text comes from, as the rest of the program sees it: named, hashed, readable more than once. */
import type { Detokenizer } from './detokenizers.js';

export interface TextSource {
  name: string;
  /** `train`, `validation`, `test` or `evaluation` as the protocol names it; `all` for a file of the user's own. */
  split: string;
  /** SHA-256 of the bytes the texts are read from: the file as it lies on the disk, or the list of embedded files. */
  sourceSha256: string;
  /** The files, as they were given. */
  paths: string[];
  /** How bytes become texts, e.g. `json-lines:text`: with the bytes it decides every text. */
  reading: string;
  /** Number of texts, where it is known before reading. */
  count: number | null;
  /** The texts in file order, before the detokenizer. Each call reads afresh. @throws DataError, FileError */
  texts(): AsyncIterable<string>;
  /** Rows without text that the latest reading has passed over, where that was asked for; left out where there cannot be any. */
  skippedRows?(): number;
  /** Applied to each text before the tokenizer. */
  detokenizer: Detokenizer | null;
  /** Does a text begin a document? Errors are over documents. Null where the file does not tell them apart: one long .txt, or
   *  a corpus of sentences. Asked for every text, in order, before the detokenizer. */
  beginsDocument: ((text: string) => boolean) | null;
}

/** {@link TextSource.beginsDocument} where each text is a document. */
export const eachText = (): boolean => true;

/** Texts of a file, in order, some at a time: to wait for each would take longer than to read it. */
export type TextBatches = AsyncGenerator<string[], void, void>;
