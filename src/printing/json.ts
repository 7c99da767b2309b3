/** The record as JSON: what schema/results-1.schema.json describes. Numbers that are not finite are null. */

/**
 * Characters that act on a terminal and that JSON leaves as they are: C1, DEL, bidirectional and invisible ones; and what a
 * runner of continuous integration takes for a command, wherever it stands.
 */
const ACTING =
  /[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|#(?=#(?:vso)?\[)/gu;

/** From so many numbers on, a column such as the losses of sequences takes a line, and not one each. */
const COLUMN = 8;

export function formatJson(file: object): string {
  return `${escapedJson(indented(file, '') ?? 'null')}\n`;
}

/** As JSON.stringify with two spaces, but for columns of numbers. Undefined where JSON has no such value. */
function indented(value: unknown, indent: string): string | undefined {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if ('toJSON' in value && typeof value.toJSON === 'function') return indented(value.toJSON(), indent);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length >= COLUMN && value.every(Number.isFinite)) return `[ ${value.join(', ')} ]`;
    return inLines(
      '[]',
      indent,
      value.map((one) => inner + (indented(one, inner) ?? 'null')),
    );
  }
  const members = Object.entries(value).flatMap(([key, member]) => {
    const text = indented(member, inner);
    return text === undefined ? [] : [`${inner}${JSON.stringify(key)}: ${text}`];
  });
  return inLines('{}', indent, members);
}

function inLines(brackets: string, indent: string, lines: readonly string[]): string {
  return lines.length === 0 ? brackets : `${brackets[0]}\n${lines.join(',\n')}\n${indent}${brackets[1]}`;
}

/** JSON of the same value that acts on nothing it is printed to. */
export function escapedJson(json: string): string {
  return json.replace(ACTING, (character) =>
    Array.from({ length: character.length }, (_, i) => unitEscape(character.charCodeAt(i))).join(''),
  );
}

const unitEscape = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`;
