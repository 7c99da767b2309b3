import type { Heading } from '../columns.js';
import { html, type Markup } from './markup.js';

/**
 * A table that scrolls by itself where the window is narrower; a unit is shown where its title is pointed at.
 * @param rows cells in the order of the head
 */
export function htmlTable(head: readonly Heading[], rows: readonly (readonly string[])[]): Markup {
  const kind = (align: 'left' | 'right') => (align === 'right' ? 'number' : 'text');
  return html`<div class="scroll" tabindex="0"><table>
<thead><tr>${head.map(([title, align, unit]) => html`<th scope="col" class="${kind(align)}"${unit === undefined ? null : html` title="${unit}"`}>${title}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (row) => html`<tr>${row.map((cell, i) => html`<td class="${kind(head[i][1])}">${cell}</td>`)}</tr>
`,
)}</tbody></table></div>
`;
}
