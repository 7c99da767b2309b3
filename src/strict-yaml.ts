/**
 * Reads configuration in YAML (JSON is also YAML) and checks it against a zod schema. Errors name the line and the key. The
 * schema defines the keys.
 */
import { isUtf8 } from 'node:buffer';
import { type Document, isScalar, LineCounter, parseDocument, type ScalarTag, visit } from 'yaml';
import { z } from 'zod';
import { closest, FileError, UsageError } from './errors.js';
import { MOST_BYTES, readSmallFile, UnfitFile } from './storage/small-file.js';

/** Handwritten files have far fewer. */
const MOST_KEYS = 1000;

export interface YamlFile<T> {
  value: T;
  /** Line of a key, from 1; of its nearest parent if there is no such key. */
  lineOf(path: readonly PropertyKey[]): number;
}

/**
 * @param what kind of file, for messages: `a gates file`   @param tags that scalars may have, beside YAML's own
 * @throws FileError when it cannot be read   @throws UsageError when it does not match the schema
 */
export function readYaml<T>(
  path: string,
  schema: z.ZodType<T>,
  what: string,
  tags: readonly ScalarTag[] = [],
): YamlFile<T> {
  let bytes: Buffer;
  try {
    bytes = readSmallFile(path, MOST_BYTES.yaml);
  } catch (cause) {
    if (!(cause instanceof FileError)) throw cause;
    const why = cause instanceof UnfitFile ? cause.why : (cause.cause as Error).message;
    throw new FileError({
      code: 'config-unreadable',
      message: `${path} cannot be read: ${cause.code === 'no-such-file' ? 'there is no such file' : why}.`,
      hint: `Give the path of ${what}.`,
      cause,
    });
  }
  if (isUtf8(bytes)) return parseYaml(bytes.toString('utf8'), path, schema, what, tags);
  throw new UsageError({
    code: 'config-invalid',
    message: `${path} is not UTF-8 text.`,
    hint: 'Save it as UTF-8.',
  });
}

/** @param name what errors call the text   @throws UsageError */
export function parseYaml<T>(
  text: string,
  name: string,
  schema: z.ZodType<T>,
  what: string,
  tags: readonly ScalarTag[] = [],
): YamlFile<T> {
  const lines = new LineCounter();
  // The parser compares every key with every other; looking each up has the same result.
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false, customTags: [...tags] };
  const document = parseDocument(text.replace(/^\ufeff/, ''), options);
  const refuse = (line: number, message: string, hint: string) =>
    new UsageError({ code: 'config-invalid', message: `${name}, line ${line}: ${message}`, hint });
  const [broken] = document.errors;
  if (broken) throw refuse(lines.linePos(broken.pos[0]).line, `${broken.message}.`, 'It must be YAML.');
  const crowd = crowdedMap(document);
  if (crowd) throw refuse(lines.linePos(crowd.at).line, crowd.message, crowd.hint);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw refuse(1, `${(cause as Error).message}.`, 'It must be YAML without references that grow.');
  }
  const lineOf = (path: readonly PropertyKey[]) => lineOfKey(document, lines, path);
  const parsed = schema.safeParse(value);
  if (parsed.success) return { value: parsed.data, lineOf };
  const { path, message, hint } = describeIssue(deepest(parsed.error.issues), schema);
  const key = path.length > 0 ? `${path.map(String).join('.')}: ` : '';
  throw refuse(
    lineOf(path),
    `${key}${message}.`,
    hint ?? `It must be ${what}; docs/suites.md, docs/gates-and-ci.md and docs/tasks.md show them.`,
  );
}

/** The first map that has a duplicate key, or too many keys. */
function crowdedMap(document: Document): { at: number; message: string; hint: string } | null {
  let found: { at: number; message: string; hint: string } | null = null;
  visit(document, {
    Map(_key, { items, range }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key;
        if (seen.size >= MOST_KEYS)
          found = { at: range?.[0] ?? 0, message: `a map may have ${MOST_KEYS} keys.`, hint: 'Give fewer.' };
        else if (seen.has(name) && isScalar(key))
          found = {
            at: key.range?.[0] ?? 0,
            message: `the key ${String(name)} stands twice in a map.`,
            hint: 'Keep one of them.',
          };
        if (found) return visit.BREAK;
        seen.add(name);
      }
    },
  });
  return found;
}

/** Of a union's failures, that of the intended form: the one that failed last. */
function deepest([issue]: readonly z.core.$ZodIssue[]): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.filter((issues) => issues.length > 0).map((issues) => deepest(issues));
  const best = inner.reduce<z.core.$ZodIssue | null>(
    (most, one) => (one.path.length > (most?.path.length ?? 0) ? one : most),
    null,
  );
  return best ? ({ ...best, path: [...issue.path, ...best.path] } as z.core.$ZodIssue) : issue;
}

function describeIssue(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
): { path: PropertyKey[]; message: string; hint: string | null } {
  if (issue.code === 'unrecognized_keys') {
    const near = closest(issue.keys[0], [
      ...keysOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })),
    ]);
    return {
      path: [...issue.path, issue.keys[0]],
      message: 'there is no such key here',
      hint: near ? `Did you mean ${near}?` : null,
    };
  }
  return { path: issue.path, message: issue.message.replace(/\.$/, ''), hint: null };
}

/** Every key anywhere in a schema. */
function* keysOf(schema: unknown): Generator<string> {
  if (schema === null || typeof schema !== 'object') return;
  for (const [name, inner] of Object.entries(schema)) {
    if (name === 'properties') yield* Object.keys(inner as object);
    yield* keysOf(inner);
  }
}

function lineOfKey(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth > 0; depth--) {
    const parent: unknown = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
    const pair = (
      parent as { items?: { key?: { value?: unknown; range?: number[] } }[] } | null
    )?.items?.find((item) => item?.key?.value === path[depth - 1]);
    const node =
      pair?.key ?? (document.getIn(path.slice(0, depth), true) as { range?: number[] } | undefined);
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
