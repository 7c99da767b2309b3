/**
 * The parts of a tokenizer.json (normalizers, pre-tokenizers, models, decoders): how their fields are read, and how what
 * cannot be used is refused. What is refused is refused by name: ids that differ from the reference's are worse than none.
 */
import { z } from 'zod';

/** A part as the file has it. */
export interface Part {
  type?: unknown;
}

/** Why a tokenizer.json cannot be used. The message completes «… cannot be used as a tokenizer: ». */
export class UnusableTokenizer extends Error {}

/** A text that a sound tokenizer cannot encode, or ids that it cannot decode. The message is a sentence without its end. */
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

/** @throws UnusableTokenizer when there are none, or more than any tokenizer has */
export function partsOf(list: readonly unknown[], what: string): Part[] {
  for (const part of list)
    if (part === null || typeof part !== 'object')
      throw new UnusableTokenizer(`one of its ${what}s is no object`);
  return list as Part[];
}

/** Parts in a tokenizer, sequences and what is in them. The longest published chains have a few dozen. */
const MOST_PARTS = 256;

/** Counts the parts that are made, so that a small file cannot ask for endless work. */
export class PartBudget {
  private left = MOST_PARTS;

  take(): void {
    if (--this.left < 0) throw new UnusableTokenizer(`it has more than ${MOST_PARTS} parts`);
  }
}

function nameOf({ type }: Part): string {
  if (typeof type !== 'string') return 'without a type';
  return JSON.stringify(type.length > 40 ? `${type.slice(0, 39)}…` : type);
}
