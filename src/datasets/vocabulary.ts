/** The vocabulary that a tokenizer.json declares: which token has which id. Checked, because sizes follow from it. */
import { DataError } from '../errors.js';
import type { TokenizerJson } from './tokenizer-files.js';

/** No real vocabulary comes near; an id beyond it is a broken file, and would ask for memory. */
const MOST_TOKENS = 2 ** 24;

export class Vocabulary {
  /** One more than the largest id. */
  readonly size: number;

  private readonly model: Readonly<Record<string, number>> | readonly (readonly [string, number])[];
  private readonly added: readonly { id: number; content: string }[];

  /** @throws DataError when ids are not ids or there are none */
  constructor({ model, added_tokens: added }: TokenizerJson, path: string) {
    const declared = model.vocab ?? {};
    if (typeof declared !== 'object' || !Array.isArray(added ?? []))
      throw unsound(path, 'its vocabulary is no list');
    this.model = declared as typeof this.model;
    this.added = (added ?? []) as typeof this.added;
    let largest = -1;
    // Unigram models list [token, score]; the id is the place. Others map tokens to ids.
    for (const id of Array.isArray(declared) ? declared.keys() : Object.values(declared)) {
      largest = Math.max(largest, checkedId(id, path));
    }
    if (largest < 0) throw unsound(path, 'its vocabulary is empty');
    for (const token of this.added) {
      if (typeof token?.content !== 'string') throw unsound(path, 'an added token has no content');
      largest = Math.max(largest, checkedId(token.id, path));
    }
    this.size = largest + 1;
  }

  idOf(token: string): number | undefined {
    const added = this.added.find(({ content }) => content === token);
    if (added) return added.id;
    if (!isList(this.model)) return Object.hasOwn(this.model, token) ? this.model[token] : undefined;
    const index = this.model.findIndex(([content]) => content === token);
    return index < 0 ? undefined : index;
  }

  /** Tokens by id, as they are spelt in the file; undefined where no token has the id. */
  tokens(): (string | undefined)[] {
    const byId = new Array<string | undefined>(this.size).fill(undefined);
    if (isList(this.model)) for (const [id, [token]] of this.model.entries()) byId[id] = token;
    else for (const [token, id] of Object.entries(this.model)) byId[id] = token;
    for (const { id, content } of this.added) byId[id] = content;
    return byId;
  }
}

function isList<T>(
  value: T | readonly (readonly [string, number])[],
): value is readonly (readonly [string, number])[] {
  return Array.isArray(value);
}

function checkedId(id: unknown, path: string): number {
  if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < MOST_TOKENS) return id as number;
  throw unsound(path, `it has a token with the id ${JSON.stringify(id)}`);
}

function unsound(path: string, why: string): DataError {
  return new DataError({
    code: 'broken-tokenizer',
    message: `${path} is not a sound tokenizer: ${why}.`,
    hint: 'Download it again, or save it again with a current version of transformers.',
  });
}
