/** A source of texts as the rest of the program sees it: named, hashed, readable more than once. */
import type { Detokenizer } from './detokenizers.js';

export interface TextSource {
  name: string;
  /** `train`, `validation`, `test` or `evaluation` as the protocol names it; `all` for a user's own file. */
  split: string;
  /** SHA-256 of the bytes the texts are read from: the file on disk, or the list of embedded files. */
  sourceSha256: string;
  /** The files, as given. */
  paths: string[];
  /** How bytes become texts, e.g. `json-lines:text`: together with the bytes it determines every text. */
  reading: string;
  /** Number of texts, if known before reading. */
  count: number | null;
  /** The texts in file order, before the detokenizer. Each call reads afresh. @throws DataError, FileError */
  texts(): AsyncIterable<string>;
  /** Rows without text that the latest reading skipped on request; absent if there cannot be any. */
  skippedRows?(): number;
  /** Applied to each text before the tokenizer. */
  detokenizer: Detokenizer | null;
  /** Whether a text begins a document; standard errors are clustered by document. Null if the file does not show documents:
   *  one long .txt, or a corpus of sentences. Called for every text, in order, before the detokenizer. */
  beginsDocument: ((text: string) => boolean) | null;
}

/** {@link TextSource.beginsDocument} for a source whose every text is a document. */
export const eachText = (): boolean => true;

/** Texts of a file, in order, in batches: awaiting each text would take longer than reading it. */
export type TextBatches = AsyncGenerator<string[], void, void>;
