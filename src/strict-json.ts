/**
 * Parses JSON that others wrote. It must be valid UTF-8, because a silent replacement character would end up in a token or
 * path, and no deeper than honest files, because printing or comparing it would exhaust the stack.
 */
import { isUtf8 } from 'node:buffer';

/** Deepest nesting of arrays and objects. */
const DEEPEST = 200;

/**
 * @param mostKeys most keys of one object, if the caller does more with each than look it up
 * @throws SyntaxError whose message completes «it is not usable JSON: …» and quotes none of the content, which may be
 * that of an unintended file: a link can lead anywhere
 */
export function parseStrictJson(
  content: Uint8Array | string,
  { mostKeys = Number.POSITIVE_INFINITY } = {},
): unknown {
  if (typeof content !== 'string' && !isUtf8(content)) throw new SyntaxError('it is not UTF-8 text');
  const text = (typeof content === 'string' ? content : Buffer.from(content).toString('utf8')).replace(
    /^\ufeff/,
    '',
  );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(reasonWithoutText((cause as Error).message, text), { cause });
  }
  checkShape(value, mostKeys);
  return value;
}

/** `expected ',' or '}' after property value (line 3)`: the engine's reason, without the text that it quotes. */
function reasonWithoutText(message: string, text: string): string {
  // Every part of the pattern is optional, so it always matches.
  const [, reason, , position] = /^(.*?)(, (?:\.\.\.)?".*|(?: in JSON)? at position (\d+).*)?$/s.exec(
    message,
  )!; // see above
  const known = reason.startsWith('Unexpected token')
    ? 'unexpected text'
    : reason[0].toLowerCase() + reason.slice(1);
  const line = position === undefined ? null : text.slice(0, Number(position)).split('\n').length;
  return line === null ? known : `${known} (line ${line})`;
}

/** Level by level, not recursively, because depth is what it checks. */
function checkShape(value: unknown, mostKeys: number): void {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) throw new SyntaxError(`it is nested more than ${DEEPEST} levels deep`);
    const inner: unknown[] = [];
    for (const parent of level) {
      if (parent === null || typeof parent !== 'object') continue;
      const children = Object.values(parent);
      if (children.length > mostKeys && !Array.isArray(parent))
        throw new SyntaxError(`one object of it has ${children.length} keys, and may have ${mostKeys}`);
      for (const child of children) if (child !== null && typeof child === 'object') inner.push(child);
    }
    level = inner;
  }
}
