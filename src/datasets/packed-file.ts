/**
 * Reads the cache file of a packed stream. Layout, little-endian throughout:
 *
 *     ids          int32, all sequences concatenated, in blocks of `blockSequences` sequences
 *     checksums    uint32 per block: CRC-32 of its bytes
 *     textBytes    uint32 per sequence
 *     documentOf   uint32 per sequence: the document it belongs to (cutting.ts)
 *     counts       float64 per token id, 0 … maxTokenId
 *     description  JSON
 *     trailer      uint32 CRC-32 of the tables, checksums to counts; uint32 CRC-32 of the description;
 *                  uint32 length of the description; 8 bytes of magic
 *
 * The description comes last because it is known last: one pass writes a stream of any size in little memory. The
 * reader also loads only parts: blocks, and pages of textBytes and documentOf, on demand.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** Increment this when the layout changes, or when the same texts would give other ids. */
export const PACKED_FORMAT = 3;

export const MAGIC = 'duopack2';
export const TRAILER_BYTES = 12 + MAGIC.length;
/** Bytes of a table to read or write at once; a multiple of every element size. */
export const PIECE_BYTES = 2 ** 16;
/** A file up to this size is verified whole when it is opened; a larger one block by block, when read. */
const VERIFIED_AT_OPENING = 2 ** 26;

/** What determines and describes a stream, apart from its tables. */
export interface PackedDescription {
  length: number;
  bosTokenId: number | null;
  eosTokenId: number | null;
  texts: number;
  /** Null if the source does not distinguish documents. */
  documents: number | null;
  tokens: number;
  droppedTokens: number;
  /** Characters of the texts that no token represents. */
  droppedCharacters: number;
  sequences: number;
  /** Length of the last sequence; only a strict last sequence is shorter than `length`. */
  lastLength: number;
  maxTokenId: number;
  /** SHA-256 of the ids as stored. */
  sha256: string;
  blockSequences: number;
  /** Rows without text that were skipped; absent when there were none. */
  skippedRows?: number;
  /** Name of the data set when it was packed, for people who inspect the cache. */
  name?: string;
}

/** An open packed file: reads blocks and tables, and verifies them. */
export class PackedFileReader {
  private constructor(
    private readonly descriptor: number,
    readonly description: PackedDescription,
    private readonly checksums: Uint32Array,
    /** Numbers per sequence. */
    private readonly ofSequence: { textBytes: SequenceTable; documentOf: SequenceTable },
    /** How often each id occurs, 0 … maxTokenId. */
    readonly counts: Float64Array,
  ) {}

  /** The file, or null when there is no intact one. */
  static open(path: string): PackedFileReader | null {
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch {
      return null;
    }
    const reader = PackedFileReader.read(descriptor);
    if (!reader) closeSync(descriptor);
    return reader;
  }

  /** The file's description, without reading its ids; null when the description is not sound. */
  static describe(path: string): PackedDescription | null {
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch {
      return null;
    }
    try {
      return readDescription(descriptor)?.description ?? null;
    } finally {
      closeSync(descriptor);
    }
  }

  private static read(descriptor: number): PackedFileReader | null {
    const described = readDescription(descriptor);
    if (!described) return null;
    const { description, start: jsonStart, trailer } = described;
    const { sequences, length, lastLength, blockSequences, maxTokenId } = description;
    const idBytes = 4 * ((sequences - 1) * length + lastLength);
    const blocks = Math.ceil(sequences / blockSequences);
    const tablesBytes = 4 * blocks + 8 * sequences + 8 * (maxTokenId + 1);
    if (idBytes + tablesBytes !== jsonStart) return null;
    if (checksumOf(descriptor, idBytes, tablesBytes) !== trailer.readUInt32LE(0)) return null;
    const afterChecksums = idBytes + 4 * blocks;
    const table = (start: number) => new SequenceTable(descriptor, start, sequences);
    const checksums = readAt(descriptor, idBytes, 4 * blocks);
    const counts = readAt(descriptor, afterChecksums + 8 * sequences, 8 * (maxTokenId + 1));
    if (!checksums || !counts) return null;
    const reader = new PackedFileReader(
      descriptor,
      description,
      new Uint32Array(checksums.buffer),
      { textBytes: table(afterChecksums), documentOf: table(afterChecksums + 4 * sequences) },
      new Float64Array(counts.buffer),
    );
    if (idBytes <= VERIFIED_AT_OPENING) {
      for (let block = 0; block < blocks; block++) if (!reader.block(block)) return null;
    }
    return reader;
  }

  /** Ids of a block's sequences, or null when their checksum fails. */
  block(index: number): Int32Array | null {
    const { sequences, length, lastLength, blockSequences } = this.description;
    const first = index * blockSequences;
    const last = Math.min(first + blockSequences, sequences);
    const ids = (last - first - 1) * length + (last === sequences ? lastLength : length);
    const bytes = readAt(this.descriptor, 4 * first * length, 4 * ids);
    if (!bytes || crc32(bytes) !== this.checksums[index]) return null;
    return new Int32Array(bytes.buffer, bytes.byteOffset, ids);
  }

  /** UTF-8 bytes of a sequence's text, or null when the file was cut. */
  textBytes(sequence: number): number | null {
    return this.ofSequence.textBytes.at(sequence);
  }

  /** The document that a sequence belongs to, from 0, or null when the file was cut. */
  documentOf(sequence: number): number | null {
    return this.ofSequence.documentOf.at(sequence);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** A table of one uint32 per sequence, read page by page. */
class SequenceTable {
  /** The page read last. */
  private page: { index: number; bytes: Buffer } = { index: -1, bytes: Buffer.alloc(0) };

  constructor(
    private readonly descriptor: number,
    private readonly start: number,
    private readonly sequences: number,
  ) {}

  /** Null when the file was cut. */
  at(sequence: number): number | null {
    const place = 4 * sequence;
    const index = Math.floor(place / PIECE_BYTES);
    if (this.page.index !== index) {
      const from = index * PIECE_BYTES;
      const bytes = readAt(
        this.descriptor,
        this.start + from,
        Math.min(PIECE_BYTES, 4 * this.sequences - from),
      );
      if (!bytes) return null;
      this.page = { index, bytes };
    }
    return this.page.bytes.readUInt32LE(place % PIECE_BYTES);
  }
}

function readDescription(
  descriptor: number,
): { description: PackedDescription; start: number; trailer: Buffer } | null {
  const size = fstatSync(descriptor).size;
  const trailer = size >= TRAILER_BYTES ? readAt(descriptor, size - TRAILER_BYTES, TRAILER_BYTES) : null;
  if (trailer?.toString('latin1', 12) !== MAGIC) return null;
  const jsonBytes = trailer.readUInt32LE(8);
  const start = size - TRAILER_BYTES - jsonBytes;
  // The CRC-32 of no bytes is 0, so zeros would pass for a description.
  const json = start >= 0 && jsonBytes > 0 ? readAt(descriptor, start, jsonBytes) : null;
  if (!json || crc32(json) !== trailer.readUInt32LE(4)) return null;
  return { description: JSON.parse(json.toString('utf8')) as PackedDescription, start, trailer };
}

/** Exactly `length` bytes in a new buffer, or null. */
function readAt(descriptor: number, position: number, length: number): Buffer | null {
  const bytes = Buffer.from(new ArrayBuffer(length));
  for (let done = 0; done < length; ) {
    const read = readSync(descriptor, bytes, done, length - done, position + done);
    if (read === 0) return null;
    done += read;
  }
  return bytes;
}

/** CRC-32 of a part of the file, or null when it is missing. */
function checksumOf(descriptor: number, position: number, length: number): number | null {
  let checksum = 0;
  for (let done = 0; done < length; ) {
    const piece = readAt(descriptor, position + done, Math.min(PIECE_BYTES, length - done));
    if (!piece) return null;
    checksum = crc32(piece, checksum);
    done += piece.length;
  }
  return checksum;
}
