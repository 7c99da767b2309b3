/** A packed stream as a record names it. */
import type { PackedStream } from '../datasets/packed-stream.js';
import type { DatasetRecord } from '../records/record.js';

export function datasetRecord(stream: PackedStream): DatasetRecord {
  const { name, split, sha256, sourceSha256, texts, tokens, sequences } = stream;
  const { droppedTokens, droppedCharacters, skippedRows } = stream;
  const left = { droppedTokens, droppedCharacters, skippedRows };
  return { name, split, sha256, sourceSha256, texts, tokens, sequences, ...left };
}
