/** Decoders turn tokens back into text. One function per type, as in the reference; the caller joins the result. */

import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { bytesOfToken } from '../byte-level.js';
import { cleanUpOfDecoders } from '../clean-up.js';
import { replace } from '../python-text.js';
import { byteOfToken } from './byte-tokens.js';
import { checkDecodedLength, fields, type Part, partsOf, type TokenizerBudget, unknownPart } from './part.js';
import { patternOf, replaceMatches } from './patterns.js';

export interface Decoder {
  decode(tokens: readonly string[]): readonly string[];
  linear: boolean;
}

const WHAT = 'decoder';

/** @throws UnusableTokenizer */
export function decoderOf(part: Part, budget: TokenizerBudget): Decoder {
  budget.takePart();
  switch (part.type) {
    case 'Sequence': {
      const { decoders } = fields(part, WHAT, { decoders: z.array(z.unknown()) });
      const parts = partsOf(decoders, WHAT).map((inner) => decoderOf(inner, budget));
      return {
        linear: parts.every(({ linear }) => linear),
        decode: (tokens) =>
          parts.reduce((decoded, { decode }) => {
            const length = lengthOf(decoded);
            checkDecodedLength(length);
            budget.spend(length + decoded.length);
            return decode(decoded);
          }, tokens),
      };
    }
    case 'ByteLevel':
      return quick((tokens) => [Buffer.concat(tokens.map(bytesOfToken)).toString('utf8')]);
    case 'ByteFallback':
      return quick(byteFallback);
    case 'Fuse':
      return quick((tokens) => [tokens.join('')]);
    case 'Metaspace':
      return metaspace(part);
    case 'WordPiece': {
      const { prefix, cleanup } = fields(part, WHAT, { prefix: z.string(), cleanup: z.boolean() });
      return quick((tokens) => tokens.map((token, i) => wordPiece(token, i, prefix, cleanup)));
    }
    case 'BPEDecoder': {
      const { suffix } = fields(part, WHAT, { suffix: z.string() });
      return quick((tokens) =>
        tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' ')),
      );
    }
    case 'CTC':
      return ctc(part);
    case 'Strip':
      return strip(part);
    case 'Replace': {
      const { content } = fields(part, WHAT, { content: z.string() });
      const pattern = patternOf(part, WHAT);
      return {
        linear: pattern.linear,
        decode: (tokens) =>
          tokens.map((token) => {
            const text = replaceMatches(token, pattern, content);
            budget.spend(text.length);
            return text;
          }),
      };
    }
    default:
      return unknownPart(part, WHAT);
  }
}

/** Total number of characters. */
export const lengthOf = (tokens: readonly string[]) => tokens.reduce((sum, { length }) => sum + length, 0);

const quick = (decode: Decoder['decode']): Decoder => ({ decode, linear: true });

/** A run of byte tokens becomes the text of its bytes, or one U+FFFD per byte if they are not valid UTF-8. */
function byteFallback(tokens: readonly string[]): string[] {
  const decoded: string[] = [];
  let bytes: number[] = [];
  const endRun = () => {
    if (bytes.length === 0) return;
    const run = Buffer.from(bytes);
    if (isUtf8(run)) decoded.push(run.toString('utf8'));
    else for (const _ of bytes) decoded.push('\ufffd');
    bytes = [];
  };
  for (const token of tokens) {
    const byte = byteOfToken(token);
    if (byte !== null) bytes.push(byte);
    else {
      endRun();
      decoded.push(token);
    }
  }
  endRun();
  return decoded;
}

function metaspace(part: Part): Decoder {
  const { replacement, prepend_scheme: scheme } = fields(part, WHAT, {
    replacement: z.string(),
    prepend_scheme: z.enum(['always', 'first', 'never']).default('always'),
    add_prefix_space: z.boolean().nullish(),
  });
  return quick((tokens) =>
    tokens.map((token, i) => token.replaceAll(replacement, i === 0 && scheme !== 'never' ? '' : ' ')),
  );
}

function wordPiece(token: string, place: number, prefix: string, cleanup: boolean): string {
  let text = token;
  if (place > 0) text = token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
  return cleanup ? cleanUpOfDecoders(text) : text;
}

/** Connectionist temporal classification: repeated tokens count as one. */
function ctc(part: Part): Decoder {
  const {
    pad_token: pad,
    word_delimiter_token: delimiter,
    cleanup,
  } = fields(part, WHAT, {
    pad_token: z.string(),
    word_delimiter_token: z.string(),
    cleanup: z.boolean(),
  });
  return quick((tokens) =>
    tokens
      .filter((token, i) => token !== tokens[i - 1])
      .map((token) => {
        const said = pad === '' ? token : token.replaceAll(pad, '');
        return cleanup ? replace(cleanUpOfDecoders(said), delimiter, ' ') : said;
      })
      .filter((text) => text !== ''),
  );
}

/** Removes at most so many of a character from each end of each token. */
function strip(part: Part): Decoder {
  const count = z.int().nonnegative();
  const options = fields(part, WHAT, { content: z.string(), start: count, stop: count });
  return quick((tokens) =>
    tokens.map((token) => {
      const characters = [...token];
      let start = 0;
      while (start < options.start && characters[start] === options.content) start++;
      let end = characters.length;
      while (characters.length - end < options.stop && characters[end - 1] === options.content) end--;
      return characters.slice(start, Math.max(start, end)).join('');
    }),
  );
}
