/** The record as JSON: what schema/results-1.schema.json describes. Numbers that are not finite are null. */

/**
 * Characters that act on a terminal and that JSON leaves as they are: C1, DEL, bidirectional and invisible ones; and what a
 * runner of continuous integration takes for a command, wherever it stands.
 */
const ACTING =
  /[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|#(?=#(?:vso)?\[)/gu;

/** Columns of numbers, such as the losses of sequences, take a line and not one each. No text holds a line end. */
const NUMBERS = /\[\n\s+-?\d[^\s,]*(?:,\n\s+-?\d[^\s,]*){7,}\n\s+\]/g;

export function formatJson(file: object): string {
  const text = JSON.stringify(file, null, 2).replace(NUMBERS, (column) => column.replace(/\s+/g, ' '));
  return `${escapedJson(text)}\n`;
}

/** JSON of the same value that acts on nothing it is printed to. */
export function escapedJson(json: string): string {
  return json.replace(ACTING, (character) =>
    Array.from({ length: character.length }, (_, i) => unitEscape(character.charCodeAt(i))).join(''),
  );
}

const unitEscape = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`;
