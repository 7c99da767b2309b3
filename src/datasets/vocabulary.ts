/** The vocabulary of a tokenizer.json: token to id. It is checked, because sizes depend on it. */
import { DataError } from '../errors.js';
import type { TokenizerJson } from './tokenizer-files.js';

/** No real vocabulary comes near; a larger id means a broken file, and would take too much memory. */
const MOST_TOKENS = 2 ** 24;

export class Vocabulary {
  /** One more than the largest id. */
  readonly size: number;

  private readonly model: Readonly<Record<string, number>> | readonly (readonly [string, number])[];
  private readonly added: readonly { id: number; content: string }[];

  /** @throws DataError when there are no ids, or some are invalid */
  constructor({ model, added_tokens: added }: TokenizerJson, path: string) {
    const declared = model.vocab ?? {};
    if (typeof declared !== 'object' || !Array.isArray(added ?? []))
      throw unsound(path, 'its vocabulary is no list');
    this.model = declared as typeof this.model;
    this.added = (added ?? []) as typeof this.added;
    let largest = -1;
    // Unigram models list [token, score], with the index as id. Others map tokens to ids.
    if (Array.isArray(declared)) {
      for (const entry of declared) checkScored(entry, path);
      largest = declared.length - 1;
      const { unk_id: unknown } = model;
      if (unknown !== undefined && unknown !== null && checkedId(unknown, path) > largest)
        throw unsound(path, `its unknown token has the id ${unknown}, beyond its vocabulary`);
    } else {
      for (const id of Object.values(declared)) largest = Math.max(largest, checkedId(id, path));
      checkDistinct(this.model as Readonly<Record<string, number>>, largest, path);
      checkMerges(model, this.model as Readonly<Record<string, number>>, path);
    }
    if (largest < 0) throw unsound(path, 'its vocabulary is empty');
    for (const token of this.added) {
      if (typeof token?.content !== 'string') throw unsound(path, 'an added token has no content');
      largest = Math.max(largest, checkedId(token.id, path));
    }
    this.size = largest + 1;
    this.checkAdded(path);
  }

  /** The reference gives an added token the id of its text in the vocabulary, or else its own. */
  private checkAdded(path: string): void {
    if (this.added.length === 0) return;
    const known = new Map(
      isList(this.model) ? this.model.map(([token], id) => [token, id]) : Object.entries(this.model),
    );
    const owners = new Map(Array.from(known, ([token, id]) => [id, token]));
    for (const { id, content } of this.added) {
      const other = known.get(content);
      if (other !== undefined && other !== id)
        throw unsound(
          path,
          `its added token ${quote(content)} has the id ${id}, but ${other} in the vocabulary`,
        );
      const owner = owners.get(id) ?? content;
      if (owner !== content)
        throw unsound(path, `its added token ${quote(content)} has the id of ${quote(owner)}, ${id}`);
      owners.set(id, content);
    }
  }

  idOf(token: string): number | undefined {
    const added = this.added.find(({ content }) => content === token);
    if (added) return added.id;
    if (!isList(this.model)) return Object.hasOwn(this.model, token) ? this.model[token] : undefined;
    const index = this.model.findIndex(([content]) => content === token);
    return index < 0 ? undefined : index;
  }

  /** Tokens by id, as spelt in the file; undefined if no token has the id. */
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

/** Two tokens of one id would be told apart when read and not when written. */
function checkDistinct(ids: Readonly<Record<string, number>>, largest: number, path: string): void {
  const taken = new Uint8Array(largest + 1);
  for (const [token, id] of Object.entries(ids)) {
    if (taken[id]) throw unsound(path, `${quote(token)} and another token have the id ${id}`);
    taken[id] = 1;
  }
}

function checkScored(entry: unknown, path: string): void {
  const [token, score] = Array.isArray(entry) ? entry : [];
  if (typeof token !== 'string' || !Number.isFinite(score)) {
    throw unsound(path, 'an entry of its vocabulary is not a token and its score');
  }
}

/** A merge joins two tokens into a third, all in the vocabulary; the Rust implementation also refuses others. */
function checkMerges(
  model: TokenizerJson['model'],
  ids: Readonly<Record<string, number>>,
  path: string,
): void {
  const { merges = [], continuing_subword_prefix: prefix } = model;
  if (!Array.isArray(merges)) throw unsound(path, 'its merges are no list');
  const skipped = typeof prefix === 'string' ? prefix.length : 0;
  for (const merge of merges) {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((part) => typeof part === 'string')) {
      throw unsound(path, 'one of its merges is not a pair of tokens');
    }
    const [left, right] = pair as [string, string];
    const lacking = [left, right, left + right.slice(skipped)].find((token) => !Object.hasOwn(ids, token));
    if (lacking !== undefined) throw unsound(path, `a merge has ${quote(lacking)}, which is no token`);
  }
}

function quote(token: string): string {
  return JSON.stringify(token.length > 40 ? `${token.slice(0, 39)}…` : token);
}

function checkedId(id: unknown, path: string): number {
  if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < MOST_TOKENS) return id as number;
  const given = typeof id === 'number' ? id : id === null ? 'null' : `of type ${typeof id}`;
  throw unsound(path, `it has a token with the id ${given}`);
}

function unsound(path: string, why: string): DataError {
  return new DataError({
    code: 'broken-tokenizer',
    message: `${path} is not a sound tokenizer: ${why}.`,
    hint: 'Download it again, or save it again with a current version of transformers.',
  });
}
