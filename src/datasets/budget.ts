/**
 * The limits of every reader of data sets and of the hub, in one place. They bound bytes, depth and counts, and so also
 * time and memory. Beyond a limit, reading ends with an error that says so.
 */
import { DataError } from '../errors.js';

const MIB = 2 ** 20;

export const BUDGET = {
  /** Bytes of one text, or of a file that must be read whole: what a JavaScript string can hold, less some room. */
  text: 511 * MIB,
  /** Bytes of a line, or of one object in a JSON array. It may also hold lists, which take many times their bytes once
   *  parsed. */
  line: 32 * MIB,
  /** Characters in the fields of a CSV row. The parser reads about 50 MB per second. */
  row: 64 * MIB,
  /** Separators in a line of a table: each makes a field, which takes far more time and memory than its byte. */
  separators: 2 ** 20,
  /** Brackets open at a time in JSON. */
  jsonDepth: 1000,
  /** Consecutive empty texts or blank lines. */
  emptyTexts: 1_000_000,
  /** Files of one data set. */
  parts: 10_000,

  /** How far a file may expand, by compression or repetition: a number of bytes that is always allowed, and a multiple of
   *  its own size. Natural text shrinks to a tenth at best; a file of repetitions can hold a thousand times its bytes. */
  unfolded: 16 * MIB,
  unfoldedPerByte: 64,
  /** Bytes counted for a text at least: even an empty one takes time. */
  leastText: 16,

  /** Parquet. A footer of ten thousand row groups and columns takes a few MiB; a page header may hold long statistics. */
  footer: 64 * MIB,
  pageHeader: MIB,
  page: 256 * MIB,
  /** Values per page: writers put about 20,000 there, yet six bytes can declare a run of a billion. */
  pageValues: 2 ** 24,
  /** Nesting of structs and lists in Parquet headers: more than the format uses. */
  headerDepth: 24,

  /** The hub. An answer is a page of names; this is a thousand times as much. */
  answer: 16 * MIB,
  answerPages: 100,
  listedFiles: 10_000,
  redirects: 10,
  /** How often the transfer of one file may break in one run, however far it came each time. */
  brokenTransfers: 50,
  /** Bytes per second that the hub must send on average: less counts as silence. */
  leastPace: 1024,
  /** Time for all pages of a file list, as a multiple of the longest silence. */
  listingSilences: 10,
  /** The longest wait that a busy hub may ask for, ms: five minutes, its own rate-limit window. */
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

/** Compares what a file has expanded to with its own size. */
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

  /** @throws DataError when it exceeds what any honest file holds */
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
