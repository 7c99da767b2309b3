/** A parser keeps the last of two equal keys of a JSON object and says nothing: here they are seen as they are written. */

/**
 * @param text meant as an object in JSON; whether it is one, the parser says
 * @returns the first key that the object itself has twice, or null
 */
export function repeatedKey(text: string): string | null {
  const seen = new Set<string>();
  let depth = 0;
  let expectsKey = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      const end = endOfString(text, i);
      if (depth === 1 && expectsKey) {
        const written = text.slice(i, end);
        const key = written.includes('\\') ? unescaped(written) : written.slice(1, -1);
        if (key === null) return null;
        if (seen.has(key)) return key;
        seen.add(key);
        expectsKey = false;
      }
      i = end - 1;
    } else if (c === '{' || c === '[') {
      depth++;
      if (depth === 1) expectsKey = true;
    } else if (c === '}' || c === ']') depth--;
    else if (c === ',' && depth === 1) expectsKey = true;
  }
  return null;
}

/** Null where it is no string of JSON. */
function unescaped(written: string): string | null {
  try {
    return JSON.parse(written) as string;
  } catch {
    return null;
  }
}

/** One past the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}
