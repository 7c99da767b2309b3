/**
 * A data set as a model sees it: sequences of token ids, read from the cache file on demand. Memory stays at a
 * few blocks of about 1 MiB, whatever the size of the stream.
 */
import { unlinkSync } from 'node:fs';
import { DomainError, FileError } from '../errors.js';
import { AtomicFile } from '../storage/atomic-file.js';
import type { ProtocolName } from './cutting.js';
import type { PackedFileReader } from './packed-file.js';

/** Bytes gathered for one write of {@link writePackedIds}. */
const BUFFER_BYTES = 2 ** 20;

export interface PackedStream {
  name: string;
  split: string;
  sourceSha256: string;
  tokenizerSha256: string;
  protocol: ProtocolName;
  /** L: tokens per sequence, with BOS and EOS. */
  length: number;
  /** False when the tokenizer has neither BOS nor EOS, so that sequences are L tokens of text. */
  wrapped: boolean;
  bosTokenId: number | null;
  eosTokenId: number | null;
  texts: number;
  /** Of the whole stream, before cutting. */
  tokens: number;
  sequences: number;
  /** SHA-256 of the ids of all sequences, int32 little-endian. */
  sha256: string;
  /** Tokens of the stream that are in no sequence. */
  droppedTokens: number;
  /** Characters of the texts that the tokenizer has no token for; no sequence holds them. */
  droppedCharacters: number;
  /** Rows without text that were skipped on request. */
  skippedRows: number;
  /** Largest id in any sequence. */
  maxTokenId: number;
  /** Tokens of sequence i: only the last one of a strict stream may be shorter than `length`. */
  lengthOf(i: number): number;
  /** Number of documents; null if the source does not distinguish them. */
  documents: number | null;
  /** The document that sequence i belongs to, from 0; 0 if the source does not distinguish documents. @throws as `sequence` */
  documentOf(i: number): number;
  /** UTF-8 bytes of the decoded sequence without BOS and EOS, before clean-up. @throws as `sequence` */
  textBytes(i: number): number;
  /** Ids of sequence i, a copy. @throws DomainError out of bounds, FileError when the cache file was damaged */
  sequence(i: number): Int32Array;
  /** How often each id occurs in all sequences, BOS and EOS included; maxTokenId + 1 numbers. */
  unigramCounts(): Float64Array;
  close(): void;
}

/** The notice about skipped rows; null when there were none. */
export function skippedRowsSaid({ name, skippedRows }: PackedStream): string | null {
  if (skippedRows === 0) return null;
  return `${name}: ${skippedRows} row${skippedRows === 1 ? ' whose text is null was' : 's whose text is null were'} passed over.`;
}

export interface StreamNames {
  name: string;
  split: string;
  sourceSha256: string;
  tokenizerSha256: string;
  protocol: ProtocolName;
}

/** Blocks in memory: the current one, its neighbour, and two for readers that go back and forth. */
const BLOCKS_KEPT = 4;

/** @param path of the cache file, to remove it when it turns out to be damaged */
export function packedStream(file: PackedFileReader, path: string, names: StreamNames): PackedStream {
  const { blockSequences, lastLength, name: _asPacked, ...facts } = file.description;
  const { sequences, length } = facts;
  const kept = new Map<number, Int32Array>();

  const check = (i: number): void => {
    if (Number.isInteger(i) && i >= 0 && i < sequences) return;
    throw new DomainError({
      code: 'no-such-sequence',
      message: `There is no sequence ${i}: "${names.name}" has ${sequences}, counted from 0.`,
    });
  };
  const lengthOf = (i: number): number => {
    check(i);
    return i === sequences - 1 ? lastLength : length;
  };
  const block = (index: number): Int32Array => {
    const ids = kept.get(index) ?? file.block(index) ?? throwDamaged(path);
    kept.delete(index);
    kept.set(index, ids);
    // A map with entries has a first key.
    if (kept.size > BLOCKS_KEPT) kept.delete(kept.keys().next().value!);
    return ids;
  };
  return {
    ...names,
    ...facts,
    skippedRows: facts.skippedRows ?? 0,
    wrapped: facts.bosTokenId !== null || facts.eosTokenId !== null,
    lengthOf,
    textBytes(i) {
      check(i);
      return file.textBytes(i) ?? throwDamaged(path);
    },
    documentOf(i) {
      check(i);
      return file.documentOf(i) ?? throwDamaged(path);
    },
    sequence(i) {
      const end = lengthOf(i);
      const start = (i % blockSequences) * length;
      return block(Math.floor(i / blockSequences)).slice(start, start + end);
    },
    unigramCounts: () => file.counts.slice(),
    close: () => file.close(),
  };
}

/**
 * The document of each sequence, if standard errors are clustered by document: documents are known and on average at least
 * as long as the text of a sequence. Otherwise null: a sequence holds several short texts.
 */
export function longDocuments(
  stream: Pick<
    PackedStream,
    'documents' | 'documentOf' | 'tokens' | 'sequences' | 'length' | 'bosTokenId' | 'eosTokenId'
  >,
): { length: number; at(i: number): number } | null {
  const { documents, tokens, sequences, length, bosTokenId, eosTokenId } = stream;
  const room = length - (bosTokenId === null ? 0 : 1) - (eosTokenId === null ? 0 : 1);
  if (documents === null || tokens < documents * room) return null;
  return { length: sequences, at: (i) => stream.documentOf(i) };
}

/** A large file is verified block by block, so damage may be found in the middle of a run. */
function throwDamaged(path: string): never {
  try {
    unlinkSync(path);
  } catch {
    // Already removed, or it cannot be removed: the message stays the same.
  }
  throw new FileError({
    code: 'cache-damaged',
    message: 'The cached packed stream was damaged on the disk; it has been removed.',
    hint: 'Run again: it is made anew.',
  });
}

/** Writes the ids for other programs: int32 little-endian, sequence after sequence. The file's SHA-256 is the stream's. @throws FileError */
export async function writePackedIds(stream: PackedStream, path: string): Promise<void> {
  const file = await AtomicFile.create(path);
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  try {
    for (let i = 0; i < stream.sequences; i++) {
      const { buffer, byteOffset, byteLength } = stream.sequence(i);
      waiting.push(Buffer.from(buffer, byteOffset, byteLength));
      waitingBytes += byteLength;
      if (waitingBytes < BUFFER_BYTES && i < stream.sequences - 1) continue;
      await file.write(Buffer.concat(waiting));
      waiting = [];
      waitingBytes = 0;
    }
  } catch (cause) {
    await file.discard();
    throw cause;
  }
  await file.commit();
}
