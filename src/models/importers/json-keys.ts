/** The keys of a JSON object as it is written: a parser keeps the last of two that are equal and says nothing. */

/** @param text an object, valid JSON   @returns its keys in their order, repeated ones too */
export function topLevelKeys(text: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  let expectsKey = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      const end = endOfString(text, i);
      if (depth === 1 && expectsKey) keys.push(JSON.parse(text.slice(i, end)));
      if (depth === 1) expectsKey = false;
      i = end - 1;
    } else if (c === '{' || c === '[') {
      depth++;
      if (depth === 1) expectsKey = true;
    } else if (c === '}' || c === ']') depth--;
    else if (c === ',' && depth === 1) expectsKey = true;
  }
  return keys;
}

/** One past the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}
