/**
 * A packed stream, in memory, of tokens that were never text: they come from a source of known probabilities. Evaluations
 * treat it as any other data set, of sequences without BOS and EOS.
 */
import { createHash } from 'node:crypto';
import { DomainError } from '../errors.js';
import type { PackedStream } from './packed-stream.js';

/**
 * @param sequences token ids, all of the same length; not copied
 * @param documents document of each sequence, from 0, in ascending order; omitted for independent sequences
 * @throws DomainError when there are none, or their lengths differ
 */
export function packedTokens(
  name: string,
  sequences: readonly Int32Array[],
  documents?: readonly number[],
): PackedStream {
  const length = sequences[0]?.length ?? 0;
  if (length === 0 || sequences.some((sequence) => sequence.length !== length)) {
    throw new DomainError({
      code: 'unequal-lengths',
      message: `The tokens of "${name}" are no sequences of one length.`,
    });
  }
  const at = (i: number): Int32Array => {
    const sequence = sequences[i];
    if (sequence) return sequence;
    throw new DomainError({
      code: 'no-such-sequence',
      message: `There is no sequence ${i}: "${name}" has ${sequences.length}, counted from 0.`,
    });
  };
  const maxTokenId = sequences.reduce((most, ids) => ids.reduce((a, b) => Math.max(a, b), most), 0);
  const sha256 = sha256OfIds(sequences);
  return {
    name,
    split: 'drawn',
    sourceSha256: sha256,
    tokenizerSha256: '',
    protocol: 'strict',
    length,
    wrapped: false,
    bosTokenId: null,
    eosTokenId: null,
    texts: sequences.length,
    skippedRows: 0,
    documents: documents ? new Set(documents).size : null,
    documentOf: (i) => documents?.[i] ?? 0,
    tokens: sequences.length * length,
    sequences: sequences.length,
    sha256,
    droppedTokens: 0,
    droppedCharacters: 0,
    maxTokenId,
    lengthOf: (i) => at(i).length,
    textBytes: () => 0,
    sequence: (i) => at(i).slice(),
    unigramCounts() {
      const counts = new Float64Array(maxTokenId + 1);
      for (const sequence of sequences) for (const token of sequence) counts[token]++;
      return counts;
    },
    close() {},
  };
}

/** SHA-256 of all ids, int32 little-endian, as for a packed stream in a file. */
function sha256OfIds(sequences: readonly Int32Array[]): string {
  const hash = createHash('sha256');
  for (const sequence of sequences) {
    const bytes = Buffer.alloc(4 * sequence.length);
    for (const [i, id] of sequence.entries()) bytes.writeInt32LE(id, 4 * i);
    hash.update(bytes);
  }
  return hash.digest('hex');
}
