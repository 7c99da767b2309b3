/** Rows of short texts in columns, two spaces apart, without trailing space: for lists that are not results. */
import { displayWidth, plainText } from './terminal.js';

export function alignedColumns(rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(plainText));
  const widths = (clean[0] ?? []).map((_, column) =>
    Math.max(...clean.map((row) => displayWidth(row[column]))),
  );
  return clean
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat(widths[column] - displayWidth(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
