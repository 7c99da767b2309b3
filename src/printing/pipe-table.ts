import type { Heading } from './columns.js';

/** A table of GitHub-flavoured markdown; what cells say is text. */
export function pipeTable(head: readonly Heading[], rows: readonly string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(head.map(([title]) => escaped(title))),
    line(head.map(([, align]) => (align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(escaped))),
  ].join('\n');
}

/** Text that markdown shows as it is; the cell's pipe and markup characters lose their meaning. */
export function escaped(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/[\\`*_|[\]]/g, '\\$&');
}
