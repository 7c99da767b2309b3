/**
 * prompts.jsonl, what `duo-eval likelihood --in` reads: one object per line, blank lines skipped.
 *
 *     {"context":"The cat","continuation":" sat","tail":"eos"}
 *     {"context":[511,280],"continuation":[336,119]}
 *
 * Further keys are the user's own and have no effect.
 */
import { z } from 'zod';
import { linesOf } from '../../datasets/lines.js';
import { DataError } from '../../errors.js';
import { parseStrictJson } from '../../strict-json.js';
import type { LikelihoodPrompt, PlacedPrompt } from './items.js';

/** Maximum bytes per line: a million characters are more than any model reads. */
const LONGEST_LINE = 2 ** 22;
/** All items are in memory at once. */
const MOST_ITEMS = 100_000;
const MOST_BYTES = 2 ** 28;
/** Ids are below this in every model. */
const LARGEST_ID = 2 ** 31 - 1;

const textOrIds = z.union([z.string(), z.array(z.int().nonnegative().max(LARGEST_ID))], {
  error: 'expected a text or a list of token ids',
});
const prompt = z.looseObject({
  context: textOrIds.optional(),
  continuation: textOrIds,
  tail: textOrIds.optional(),
});

/** @throws DataError that names the line, FileError */
export async function readPrompts(path: string): Promise<PlacedPrompt[]> {
  const prompts: PlacedPrompt[] = [];
  let bytes = 0;
  for await (const { text, number } of linesOf(path, { universal: false, most: LONGEST_LINE })) {
    if (text.trim() === '') continue;
    const where = `${path}, line ${number}`;
    bytes += text.length;
    if (prompts.length === MOST_ITEMS || bytes > MOST_BYTES) {
      const most =
        bytes > MOST_BYTES ? `${MOST_BYTES / 2 ** 20} MiB` : `${MOST_ITEMS.toLocaleString('en')} items`;
      throw new DataError({
        code: 'data-too-large',
        message: `${path} holds more than ${most}, the most of one run.`,
        hint: 'Divide it into several files.',
      });
    }
    prompts.push({ prompt: validated(text, where), where });
  }
  if (prompts.length > 0) return prompts;
  throw new DataError({ code: 'prompts-empty', message: `${path} holds no items.`, hint: HINT });
}

const HINT = 'A line is one object, such as {"context": "The cat", "continuation": " sat"}.';

function validated(text: string, where: string): LikelihoodPrompt {
  let value: unknown;
  try {
    value = parseStrictJson(text);
  } catch (cause) {
    throw invalid(where, `it is not usable JSON: ${(cause as SyntaxError).message}`, cause);
  }
  const parsed = prompt.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0];
  throw invalid(where, [path.join('.'), message].filter(Boolean).join(': '));
}

function invalid(where: string, reason: string, cause?: unknown): DataError {
  return new DataError({ code: 'prompts-invalid', message: `${where}: ${reason}.`, hint: HINT, cause });
}
