/**
 * The parts of a tokenizer.json (normalizers, pre-tokenizers, models, decoders): how to read their fields and refuse
 * what is not supported. Errors name what they refuse: ids that differ from the reference's are worse than none.
 */
import { z } from 'zod';
import { BUDGET } from '../budget.js';

/** A part as stored in the file. */
export interface Part {
  type?: unknown;
}

/** Why a tokenizer.json cannot be used. The message completes «… cannot be used as a tokenizer: ». */
export class UnusableTokenizer extends Error {}

/** A text that a sound tokenizer cannot encode, or ids that it cannot decode. The message is a clause without a full stop. */
export class TokenizationFailure extends Error {
  constructor(
    readonly code: 'text-without-tokens' | 'tokenizer-too-costly',
    message: string,
  ) {
    super(message);
  }
}

/** The fields of a part. @param what e.g. `pre-tokenizer`   @throws UnusableTokenizer */
export function fields<T extends z.ZodRawShape>(part: Part, what: string, shape: T): z.infer<z.ZodObject<T>> {
  const parsed = z.object(shape).safeParse(part);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue.path.length > 0 ? `"${issue.path.join('.')}" of its` : 'its';
  throw new UnusableTokenizer(`${where} ${what} ${nameOf(part)} is not as it should be`);
}

/** @throws UnusableTokenizer always */
export function unknownPart(part: Part, what: string): never {
  throw new UnusableTokenizer(`its ${what} ${nameOf(part)} is not known here`);
}

/** @throws UnusableTokenizer when there are none, or more than in any real tokenizer */
export function partsOf(list: readonly unknown[], what: string): Part[] {
  for (const part of list)
    if (part === null || typeof part !== 'object')
      throw new UnusableTokenizer(`one of its ${what}s is no object`);
  return list as Part[];
}

/** @param length characters or bytes that ids decode to   @throws TokenizationFailure when they exceed the longest string */
export function checkDecodedLength(length: number): void {
  if (length > BUDGET.text)
    throw new TokenizationFailure(
      'tokenizer-too-costly',
      'its tokens are far too long for a text of so many',
    );
}

/** Most parts in a tokenizer, counting sequences and their members. The longest published chains have a few dozen. */
const MOST_PARTS = 256;

/** Steps that are always allowed: added tokens are normalized, and short texts have a fixed cost. */
const FREE_STEPS = 2 ** 24;
/** Steps for each character of a text, or of the tokens to be decoded. Published tokenizers take about twenty, and below a
 *  hundred for decomposed Korean in byte tokens. */
const STEPS_A_CHARACTER = 128;

/**
 * What a tokenizer may cost, so a small file cannot demand endless work: the number of parts, and the steps of encoding and
 * decoding. A step is a character that a part reads or writes, or a node of a trie: 10 to 100 ns. Steps are counted, not
 * timed, so fast and slow machines refuse the same texts.
 */
export class TokenizerBudget {
  private parts = MOST_PARTS;
  private steps = FREE_STEPS;

  /** @throws UnusableTokenizer when there are more parts than in any real tokenizer */
  takePart(): void {
    if (--this.parts < 0) throw new UnusableTokenizer(`it has more than ${MOST_PARTS} parts`);
  }

  /** @param characters about to be encoded or decoded */
  allow(characters: number): void {
    this.steps += STEPS_A_CHARACTER * characters;
  }

  /** @throws TokenizationFailure when the work exceeds that of any honest tokenizer */
  spend(steps: number): void {
    this.steps -= steps;
    if (this.steps >= 0) return;
    throw new TokenizationFailure(
      'tokenizer-too-costly',
      `it takes more than ${STEPS_A_CHARACTER} steps for each character`,
    );
  }
}

function nameOf({ type }: Part): string {
  if (typeof type !== 'string') return 'without a type';
  return JSON.stringify(type.length > 40 ? `${type.slice(0, 39)}…` : type);
}
