/**
 * llama2.c's tokenizer.bin as a tokenizer.json: a SentencePiece vocabulary with scores, merged greedily by score, with
 * bytes as the fallback. Merges ordered by the score of their result are equivalent.
 *
 *     int32 longest piece;   each token: float32 score, int32 length, its bytes (a space where SentencePiece has ▁)
 */
import { isUtf8 } from 'node:buffer';
import { DataError } from '../../errors.js';
import { MOST_BYTES, readSmallFile, UnfitFile } from '../../storage/small-file.js';

/** `<unk>`, `<s>`, `</s>`, then the 256 bytes. */
const SPECIAL = ['<unk>', '<s>', '</s>'];
const FIRST_BYTE = SPECIAL.length;
const SPACE = '▁';
const LONGEST_PIECE = 1 << 10;

interface Piece {
  text: string;
  score: number;
}

export interface ConvertedTokenizer {
  /** tokenizer.json and tokenizer_config.json. */
  files: Record<string, string>;
  size: number;
}

/** @throws DataError `broken-tokenizer`, FileError */
export function llama2cTokenizer(path: string): ConvertedTokenizer {
  const bytes = readWhole(path);
  const pieces = piecesOf(path, bytes);
  const vocab: Record<string, number> = Object.create(null);
  for (const [id, { text }] of pieces.entries()) {
    if (text in vocab)
      throw brokenTokenizer(
        path,
        `the tokens ${vocab[text]} and ${id} are the same, ${JSON.stringify(text)}`,
      );
    vocab[text] = id;
  }
  const normal = (type: string, rest: object) => ({ type, ...rest });
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: normal('Sequence', {
      normalizers: [
        normal('Prepend', { prepend: SPACE }),
        normal('Replace', { pattern: { String: ' ' }, content: SPACE }),
      ],
    }),
    pre_tokenizer: null,
    post_processor: null,
    decoder: normal('Sequence', {
      decoders: [
        normal('Replace', { pattern: { String: SPACE }, content: ' ' }),
        normal('ByteFallback', {}),
        normal('Fuse', {}),
        normal('Strip', { content: ' ', start: 1, stop: 0 }),
      ],
    }),
    model: normal('BPE', {
      dropout: null,
      unk_token: SPECIAL[0],
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      vocab,
      merges: mergesOf(pieces, vocab),
    }),
  };
  const config = { bos_token: SPECIAL[1], eos_token: SPECIAL[2], unk_token: SPECIAL[0] };
  return {
    files: {
      'tokenizer.json': `${JSON.stringify(tokenizer)}\n`,
      'tokenizer_config.json': `${JSON.stringify(config, null, 2)}\n`,
    },
    size: pieces.length,
  };
}

/** All ways to make each piece from two others, the pieces with the highest scores first. */
function mergesOf(pieces: readonly Piece[], vocab: Readonly<Record<string, number>>): string[] {
  const made = pieces.map((piece, id) => ({ ...piece, id })).slice(FIRST_BYTE + 256);
  made.sort((a, b) => b.score - a.score || a.id - b.id);
  return made.flatMap(({ text }) => {
    const letters = [...text];
    const pairs = letters.slice(1).flatMap((_, i) => {
      const [left, right] = [letters.slice(0, i + 1).join(''), letters.slice(i + 1).join('')];
      return left in vocab && right in vocab ? [[left, right]] : [];
    });
    pairs.sort((a, b) => vocab[a[0]] - vocab[b[0]] || vocab[a[1]] - vocab[b[1]]);
    return pairs.map((pair) => pair.join(' '));
  });
}

function piecesOf(path: string, bytes: Buffer): Piece[] {
  if (bytes.length < 4) throw brokenTokenizer(path, `it has ${bytes.length} bytes`);
  const pieces: Piece[] = [];
  for (let at = 4; at < bytes.length; ) {
    if (at + 8 > bytes.length) throw brokenTokenizer(path, `it ends within the token ${pieces.length}`);
    const score = bytes.readFloatLE(at);
    const length = bytes.readInt32LE(at + 4);
    at += 8;
    if (length < 1 || length > LONGEST_PIECE || at + length > bytes.length) {
      throw brokenTokenizer(path, `the token ${pieces.length} is said to have ${length} bytes`);
    }
    if (!Number.isFinite(score))
      throw brokenTokenizer(path, `the token ${pieces.length} has the score ${score}`);
    pieces.push({ text: textOf(path, pieces.length, bytes.subarray(at, at + length)), score });
    at += length;
  }
  for (let byte = 0; byte < 256; byte++) {
    const name = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
    if (pieces[FIRST_BYTE + byte]?.text === name) continue;
    throw brokenTokenizer(path, `the token ${FIRST_BYTE + byte} is not ${name}, as in llama2.c's tokenizers`);
  }
  return pieces;
}

function textOf(path: string, id: number, bytes: Buffer): string {
  if (id < SPECIAL.length) return SPECIAL[id];
  if (!isUtf8(bytes)) throw brokenTokenizer(path, `the token ${id} is not UTF-8`);
  return bytes.toString('utf8').replaceAll(' ', SPACE);
}

function readWhole(path: string): Buffer {
  try {
    return readSmallFile(path, MOST_BYTES.tokenizer);
  } catch (cause) {
    throw cause instanceof UnfitFile ? brokenTokenizer(path, cause.why) : cause;
  }
}

function brokenTokenizer(path: string, why: string): DataError {
  return new DataError({
    code: 'broken-tokenizer',
    message: `${path} cannot be used as a tokenizer: ${why}.`,
    hint: 'Give the tokenizer.bin that llama2.c made for this model, or a tokenizer.json.',
  });
}
