/**
 * JSON that others wrote: UTF-8 without exception, since a silent replacement character would be a part of a token or a
 * path, and no deeper than honest files are, since what prints or compares it later would run out of stack.
 */
import { isUtf8 } from 'node:buffer';

/** Levels of arrays and objects. */
const DEEPEST = 200;

/** @throws SyntaxError whose message completes «it is not usable JSON: …» */
export function parseStrictJson(content: Uint8Array | string): unknown {
  if (typeof content !== 'string' && !isUtf8(content)) throw new SyntaxError('it is not UTF-8 text');
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('utf8');
  const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
  checkDepth(value);
  return value;
}

/** Level by level, not recursively: depth is the question. */
function checkDepth(value: unknown): void {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) throw new SyntaxError(`it is nested more than ${DEEPEST} levels deep`);
    const inner: unknown[] = [];
    for (const parent of level) {
      if (parent === null || typeof parent !== 'object') continue;
      for (const child of Object.values(parent))
        if (child !== null && typeof child === 'object') inner.push(child);
    }
    level = inner;
  }
}
