/** Tokenizers small enough to check by hand, written as the files that transformers saves. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** GPT-2's characters for bytes: printable Latin-1 as it is, the rest from U+0100 on. */
const CHARACTERS = (() => {
  const printable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

/** Id 0 … 255: the byte. */
export const bytesOf = (text: string): number[] => [...Buffer.from(text)];

export interface SmallTokenizer {
  /** Pairs of byte-level strings, e.g. `['Ġ', 't']`; each makes one more id from 256 on. */
  merges?: [string, string][];
  added?: { id: number; content: string; lstrip?: boolean; rstrip?: boolean }[];
  config?: Record<string, unknown>;
}

/** Writes a byte-level tokenizer into a folder. @returns the folder */
export function byteTokenizer(
  folder: string,
  { merges = [], added = [], config }: SmallTokenizer = {},
): string {
  mkdirSync(folder, { recursive: true });
  const tokens = [...CHARACTERS, ...merges.map(([left, right]) => left + right)];
  const tokenizer = {
    version: '1.0',
    added_tokens: added.map((token) => ({ special: true, normalized: false, ...token })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges },
  };
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  if (config) writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
  return folder;
}
