/** Notices about how text became sequences, where users might not expect it. */
import type { PackedStream } from './packed-stream.js';
import type { Tokenizer } from './tokenizer.js';

/** Null if the tokenizer has its own BOS, a flag or card names one, or there is no EOS either. */
export function bosNotice({
  eosTokenId,
  bosIsEos,
}: Pick<Tokenizer, 'eosTokenId' | 'bosIsEos'>): string | null {
  return bosIsEos
    ? `The tokenizer has no BOS: its EOS, id ${eosTokenId}, stands at both ends of a sequence.`
    : null;
}

/** Null if sequences have a BOS or EOS of their own. @param length tokens per sequence */
export function wrappingNotice(
  tokenizer: Pick<Tokenizer, 'bosTokenId' | 'eosTokenId' | 'bosIsEos'>,
  length: number,
): string | null {
  if (tokenizer.bosIsEos) return bosNotice(tokenizer);
  if (tokenizer.bosTokenId !== null || tokenizer.eosTokenId !== null) return null;
  return `The tokenizer has neither BOS nor EOS, so sequences are ${length} tokens, unwrapped.`;
}

/** Null if the stream holds all of the text. */
export function droppedNotice({ name, droppedCharacters }: PackedStream): string | null {
  if (droppedCharacters === 0) return null;
  const letters = droppedCharacters === 1 ? 'character' : 'characters';
  return `The tokenizer has no token for ${droppedCharacters} ${letters} of ${name}, and no unknown token: they were left out, and every figure is of the text without them.`;
}
