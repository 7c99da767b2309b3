/** The record as JSON: what schema/results-1.schema.json describes. Numbers that are not finite are null. */

/** Characters that act on a terminal and that JSON leaves as they are: C1, DEL, bidirectional and invisible ones. */
const ACTING = /[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Columns of numbers, such as the losses of sequences, take a line and not one each. No text holds a line end. */
const NUMBERS = /\[\n\s+-?\d[^\s,]*(?:,\n\s+-?\d[^\s,]*){7,}\n\s+\]/g;

export function formatJson(file: object): string {
  const text = JSON.stringify(file, null, 2).replace(NUMBERS, (column) => column.replace(/\s+/g, ' '));
  return `${text.replace(ACTING, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}
