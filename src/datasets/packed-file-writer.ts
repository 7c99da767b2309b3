/** Writes the cache file of a packed stream (packed-file.ts) in one pass, in little memory whatever its size. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { AtomicFile } from '../storage/atomic-file.js';
import { CACHE_ADVICE } from '../storage/cache-entry.js';
import { noteNewWork } from '../storage/kept-work.js';
import { NumberColumn } from '../storage/number-column.js';
import {
  MAGIC,
  type PackedDescription,
  PackedFileReader,
  PIECE_BYTES,
  TRAILER_BYTES,
} from './packed-file.js';

const BLOCK_BYTES = 2 ** 20;

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
  private readonly textBytes = new NumberColumn();
  private readonly documentOf = new NumberColumn();
  private counts = new Float64Array(1024);
  private maxTokenId = -1;

  static async create(path: string, length: number): Promise<PackedFileWriter> {
    return new PackedFileWriter(await AtomicFile.create(path, CACHE_ADVICE), length);
  }

  /** Takes a copy of the sequence. Full blocks wait in memory for {@link flush}. */
  add(sequence: Int32Array, textBytes: number, document: number): void {
    this.block.set(sequence, this.filled);
    this.filled += sequence.length;
    this.lastLength = sequence.length;
    this.documentOf.set(this.sequences, document);
    this.textBytes.set(this.sequences++, textBytes);
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

  /** Writes the rest and puts the file in place. @returns the file, open, since another process may clear the cache at once   @throws FileError */
  async commit(
    facts: Pick<
      PackedDescription,
      | 'bosTokenId'
      | 'eosTokenId'
      | 'texts'
      | 'documents'
      | 'tokens'
      | 'droppedTokens'
      | 'droppedCharacters'
      | 'skippedRows'
      | 'name'
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
    let tablesChecksum = 0;
    for (const piece of this.tables()) {
      tablesChecksum = crc32(piece, tablesChecksum);
      await this.file.write(piece);
    }
    const json = Buffer.from(JSON.stringify(description));
    const trailer = Buffer.alloc(TRAILER_BYTES);
    trailer.writeUInt32LE(tablesChecksum, 0);
    trailer.writeUInt32LE(crc32(json), 4);
    trailer.writeUInt32LE(json.length, 8);
    trailer.write(MAGIC, 12, 'latin1');
    await this.file.write(Buffer.concat([json, trailer]));
    let reader: PackedFileReader | null = null;
    try {
      await this.file.commit((temporary) => {
        reader = PackedFileReader.open(temporary);
      });
    } catch (cause) {
      (reader as PackedFileReader | null)?.close();
      throw cause;
    }
    noteNewWork();
    if (!reader) throw new Error('the packed stream just written does not read back');
    this.closeColumns();
    return reader;
  }

  async discard(): Promise<void> {
    this.closeColumns();
    await this.file.discard();
  }

  private closeColumns(): void {
    this.textBytes.close();
    this.documentOf.close();
  }

  private *tables(): Generator<Buffer> {
    yield bytesOf(Uint32Array.from(this.checksums));
    for (const column of [this.textBytes, this.documentOf]) {
      for (let start = 0; start < this.sequences; start += PIECE_BYTES / 4) {
        const length = Math.min(PIECE_BYTES / 4, this.sequences - start);
        yield bytesOf(Uint32Array.from({ length }, (_, i) => column.at(start + i)));
      }
    }
    yield bytesOf(this.counts.subarray(0, this.maxTokenId + 1));
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

function blockSequencesFor(length: number): number {
  return Math.max(1, Math.floor(BLOCK_BYTES / (4 * length)));
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array | Uint32Array | Float64Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
