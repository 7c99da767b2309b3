import type { Heading } from '../columns.js';
import { html, type Markup } from './markup.js';

/** In print, rows of more columns than these are set as text: name and figure, name and figure. */
const MOST_PRINTED = 9;

/**
 * A table that scrolls by itself where the window is narrower; a unit is shown where its title is pointed at.
 * @param rows cells in the order of the head
 */
export function htmlTable(head: readonly Heading[], rows: readonly (readonly string[])[]): Markup {
  const kind = (align: 'left' | 'right') => (align === 'right' ? 'number' : 'text');
  const isWide = head.length > MOST_PRINTED;
  const titleOf = (i: number) => (isWide ? html` data-title="${head[i][0]}"` : null);
  return html`<div class="scroll" tabindex="0"><table${isWide ? html` class="many"` : null}>
<thead><tr>${head.map(([title, align, unit]) => html`<th scope="col" class="${kind(align)}"${unit === undefined ? null : html` title="${unit}"`}>${title}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (
    row,
  ) => html`<tr>${row.map((cell, i) => html`<td class="${kind(head[i][1])}"${cell === '' ? null : titleOf(i)}>${cell}</td>`)}</tr>
`,
)}</tbody></table></div>
`;
}
