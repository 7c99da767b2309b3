/**
 * What reading data may cost: the limits of every reader of data sets and of the hub, in one place. They bound bytes, depth
 * and number, and so time and memory too: a byte of text, and a row, take a program some time each, whoever wrote them.
 * Beyond a limit, reading ends in a sentence.
 */
import { DataError } from '../errors.js';

const MIB = 2 ** 20;

export const BUDGET = {
  /** Bytes of one text, and of a file that has to be read whole: what a JavaScript string can hold, and room to read on. */
  text: 511 * MIB,
  /** Bytes of a line, and of one object of a JSON array. Beside its text it may hold lists, which take many times their
   *  bytes once they are parsed. */
  line: 32 * MIB,
  /** Characters of the fields of a CSV row. The parser looks at each, some 50 MB a second. */
  row: 64 * MIB,
  /** Brackets open at a time in JSON. */
  jsonDepth: 1000,
  /** Texts without a character, or blank lines, one after another. */
  emptyTexts: 1_000_000,
  /** Files of one data set. */
  parts: 10_000,

  /** What a file may unfold to, by compression or repetition: so many bytes in any case, and as many times its own. Natural
   *  text shrinks to a tenth at best; a file that holds the same again and again can hold a thousand times its bytes. */
  unfolded: 16 * MIB,
  unfoldedPerByte: 64,
  /** Bytes that a text counts at least, of those: also an empty one takes time. */
  leastText: 16,

  /** Of Parquet. A footer of ten thousand row groups and columns takes some MiB; a page's header may hold long statistics. */
  footer: 64 * MIB,
  pageHeader: MIB,
  page: 256 * MIB,
  /** Values of one page: writers put some 20 thousand there, and a run of a billion takes six bytes. */
  pageValues: 2 ** 24,
  /** Structs and lists within another in Parquet's headers: more than the format has. */
  headerDepth: 24,

  /** Of the hub. An answer is a page of names; this is a thousand times as much. */
  answer: 16 * MIB,
  answerPages: 100,
  listedFiles: 10_000,
  redirects: 10,
  /** Times that the transfer of one file may break in one run, however far each came. */
  brokenTransfers: 50,
  /** Bytes a second that the hub has to send on average: less is taken for silence. */
  leastPace: 1024,
  /** Times the longest silence that a list of files may take, all its pages. */
  listingSilences: 10,
  /** Milliseconds that a busy hub may ask to wait: five minutes, its own window. */
  longestWait: 300_000,
} as const;

/** @param where a file or a data set   @param what e.g. `empty texts` */
export function tooManyEmpty(where: string, what: string): DataError {
  return new DataError({
    code: 'empty-texts',
    message: `${where} has more than ${BUDGET.emptyTexts.toLocaleString('en')} ${what} one after another.`,
    hint: 'Check that it is the file, and the text column, that you mean; or remove what is empty.',
  });
}

/** What has come out of a file, held against its own size. */
export class Unfolding {
  private bytes = 0;
  private readonly most: number;

  /** @param size of the file, in bytes */
  constructor(
    private readonly path: string,
    size: number,
  ) {
    this.most = BUDGET.unfolded + BUDGET.unfoldedPerByte * size;
  }

  /** @throws DataError when it is more than any honest file holds */
  add(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes <= this.most) return;
    const size = (this.most - BUDGET.unfolded) / BUDGET.unfoldedPerByte;
    throw new DataError({
      code: 'data-unfolds-too-far',
      message: `${this.path} has ${size} bytes and unfolds to more than ${this.most}: it repeats itself too often to be a data set.`,
      hint: 'If it is meant, unpack it first, or write its texts to a .jsonl file without compression.',
    });
  }
}
