import type { Heading } from './columns.js';

/** A table of GitHub-flavoured markdown; what cells say is text. */
export function pipeTable(head: readonly Heading[], rows: readonly string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(head.map(([title]) => escapeMarkup(title))),
    line(head.map(([, align]) => (align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(escapeMarkup))),
  ].join('\n');
}

/** Text that markdown shows as it is; the cell's pipe and markup characters lose their meaning. */
export function escapeMarkup(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/[\\`*_|[\]]/g, '\\$&');
}
