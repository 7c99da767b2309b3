/**
 * The cache file of a packed stream. Layout, little-endian throughout:
 *
 *     ids          int32, all sequences one after the other, in blocks of `blockSequences` sequences
 *     checksums    uint32 a block: CRC-32 of its bytes
 *     textBytes    uint32 a sequence
 *     counts       float64 a token id, 0 … maxTokenId
 *     description  JSON
 *     trailer      uint32 CRC-32 of checksums, textBytes and counts; uint32 CRC-32 of the description;
 *                  uint32 length of the description; 8 bytes of magic
 *
 * The description comes last because it is known last: one pass writes a stream of any size in little memory.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { AtomicFile } from '../storage/atomic-file.js';
import { CACHE_ADVICE } from '../storage/cache-entry.js';

/** Raise it when the layout changes, or when the same texts would be packed into other ids. */
export const PACKED_FORMAT = 1;

const MAGIC = 'duopack1';
const TRAILER_BYTES = 12 + MAGIC.length;
const BLOCK_BYTES = 2 ** 20;
/** A file this small is verified whole when it is opened; of a larger one, each block when it is read. */
const VERIFIED_AT_OPENING = 2 ** 26;

/** What decides and describes a stream, beside its tables. */
export interface PackedDescription {
  length: number;
  bosTokenId: number | null;
  eosTokenId: number | null;
  texts: number;
  tokens: number;
  droppedTokens: number;
  sequences: number;
  /** Length of the last sequence; only a strict last sequence is shorter than `length`. */
  lastLength: number;
  maxTokenId: number;
  /** SHA-256 of the ids as they lie in the file. */
  sha256: string;
  blockSequences: number;
  /** What the data set was called when it was packed: for people who look into the cache. */
  name?: string;
}

export class PackedFileWriter {
  private constructor(
    private readonly file: AtomicFile,
    private readonly length: number,
  ) {
    this.blockSequences = blockSequencesFor(length);
    this.block = new Int32Array(this.blockSequences * length);
  }

  sequences = 0;

  private readonly blockSequences: number;
  private block: Int32Array;
  private filled = 0;
  private lastLength = 0;
  private full: Int32Array[] = [];
  private readonly hash = createHash('sha256');
  private readonly checksums: number[] = [];
  private readonly textBytes: number[] = [];
  private counts = new Float64Array(1024);
  private maxTokenId = -1;

  static async create(path: string, length: number): Promise<PackedFileWriter> {
    return new PackedFileWriter(await AtomicFile.create(path, CACHE_ADVICE), length);
  }

  /** Takes a copy of the sequence. Full blocks wait in memory for {@link flush}. */
  add(sequence: Int32Array, textBytes: number): void {
    this.block.set(sequence, this.filled);
    this.filled += sequence.length;
    this.lastLength = sequence.length;
    this.sequences++;
    this.textBytes.push(textBytes);
    for (const id of sequence) {
      if (id > this.maxTokenId) this.raiseMaxTokenId(id);
      this.counts[id]++;
    }
    if (this.sequences % this.blockSequences === 0) this.endBlock();
  }

  /** Writes the blocks that are full. @throws FileError */
  async flush(): Promise<void> {
    const blocks = this.full;
    this.full = [];
    for (const block of blocks) {
      const bytes = bytesOf(block);
      this.hash.update(bytes);
      this.checksums.push(crc32(bytes));
      await this.file.write(bytes);
    }
  }

  /** Writes the rest and puts the file in place. @returns the file, open: it may be cleared at once   @throws FileError */
  async commit(
    facts: Pick<
      PackedDescription,
      'bosTokenId' | 'eosTokenId' | 'texts' | 'tokens' | 'droppedTokens' | 'name'
    >,
  ): Promise<PackedFileReader> {
    if (this.filled > 0) this.endBlock();
    await this.flush();
    const description: PackedDescription = {
      length: this.length,
      ...facts,
      sequences: this.sequences,
      lastLength: this.lastLength,
      maxTokenId: this.maxTokenId,
      sha256: this.hash.digest('hex'),
      blockSequences: this.blockSequences,
    };
    const tables = Buffer.concat([
      bytesOf(Uint32Array.from(this.checksums)),
      bytesOf(Uint32Array.from(this.textBytes)),
      bytesOf(this.counts.subarray(0, this.maxTokenId + 1)),
    ]);
    const json = Buffer.from(JSON.stringify(description));
    const trailer = Buffer.alloc(TRAILER_BYTES);
    trailer.writeUInt32LE(crc32(tables), 0);
    trailer.writeUInt32LE(crc32(json), 4);
    trailer.writeUInt32LE(json.length, 8);
    trailer.write(MAGIC, 12, 'latin1');
    await this.file.write(Buffer.concat([tables, json, trailer]));
    let reader: PackedFileReader | null = null;
    try {
      await this.file.commit((temporary) => {
        reader = PackedFileReader.open(temporary);
      });
    } catch (cause) {
      (reader as PackedFileReader | null)?.close();
      throw cause;
    }
    if (!reader) throw new Error('the packed stream just written does not read back');
    return reader;
  }

  async discard(): Promise<void> {
    await this.file.discard();
  }

  private endBlock(): void {
    this.full.push(this.block.subarray(0, this.filled));
    this.block = new Int32Array(this.blockSequences * this.length);
    this.filled = 0;
  }

  private raiseMaxTokenId(id: number): void {
    this.maxTokenId = id;
    if (id < this.counts.length) return;
    const grown = new Float64Array(2 ** Math.ceil(Math.log2(id + 1)));
    grown.set(this.counts);
    this.counts = grown;
  }
}

/** An open packed file: reads blocks and tables, and knows whether they are what was written. */
export class PackedFileReader {
  private constructor(
    private readonly descriptor: number,
    readonly description: PackedDescription,
    private readonly checksums: Uint32Array,
    /** UTF-8 bytes of each sequence's text. */
    readonly textBytes: Uint32Array,
    /** How often each id occurs, 0 … maxTokenId. */
    readonly counts: Float64Array,
  ) {}

  /** The file, or null where there is none that is whole. */
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

  /** What the file says it holds, its ids unread; null where it says nothing sound. */
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
    const tablesBytes = 4 * blocks + 4 * sequences + 8 * (maxTokenId + 1);
    if (idBytes + tablesBytes !== jsonStart) return null;
    const tables = readAt(descriptor, idBytes, tablesBytes);
    if (!tables || crc32(tables) !== trailer.readUInt32LE(0)) return null;
    const reader = new PackedFileReader(
      descriptor,
      description,
      new Uint32Array(copyOf(tables, 0, 4 * blocks)),
      new Uint32Array(copyOf(tables, 4 * blocks, 4 * (blocks + sequences))),
      new Float64Array(copyOf(tables, 4 * (blocks + sequences), tablesBytes)),
    );
    if (idBytes <= VERIFIED_AT_OPENING) {
      for (let block = 0; block < blocks; block++) if (!reader.block(block)) return null;
    }
    return reader;
  }

  /** Ids of a block's sequences, or null when they are not what was written. */
  block(index: number): Int32Array | null {
    const { sequences, length, lastLength, blockSequences } = this.description;
    const first = index * blockSequences;
    const last = Math.min(first + blockSequences, sequences);
    const ids = (last - first - 1) * length + (last === sequences ? lastLength : length);
    const bytes = readAt(this.descriptor, 4 * first * length, 4 * ids);
    if (!bytes || crc32(bytes) !== this.checksums[index]) return null;
    return new Int32Array(bytes.buffer, bytes.byteOffset, ids);
  }

  close(): void {
    closeSync(this.descriptor);
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
  // The CRC-32 of nothing is 0, so that zeros would pass for a description.
  const json = start >= 0 && jsonBytes > 0 ? readAt(descriptor, start, jsonBytes) : null;
  if (!json || crc32(json) !== trailer.readUInt32LE(4)) return null;
  return { description: JSON.parse(json.toString('utf8')) as PackedDescription, start, trailer };
}

function blockSequencesFor(length: number): number {
  return Math.max(1, Math.floor(BLOCK_BYTES / (4 * length)));
}

/** Exactly `length` bytes in a buffer of their own, or null. */
function readAt(descriptor: number, position: number, length: number): Buffer | null {
  const bytes = Buffer.from(new ArrayBuffer(length));
  for (let done = 0; done < length; ) {
    const read = readSync(descriptor, bytes, done, length - done, position + done);
    if (read === 0) return null;
    done += read;
  }
  return bytes;
}

function copyOf(bytes: Buffer, from: number, to: number): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset + from, bytes.byteOffset + to) as ArrayBuffer;
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array | Uint32Array | Float64Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
