import { html, type Markup } from './markup.js';

export type Heading = readonly [title: string, align: 'left' | 'right'];

/** A table that scrolls by itself where the window is narrower. @param rows cells in the order of the head */
export function htmlTable(head: readonly Heading[], rows: readonly (readonly string[])[]): Markup {
  const kind = (align: 'left' | 'right') => (align === 'right' ? 'number' : 'text');
  return html`<div class="scroll" tabindex="0"><table>
<thead><tr>${head.map(([title, align]) => html`<th scope="col" class="${kind(align)}">${title}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (row) => html`<tr>${row.map((cell, i) => html`<td class="${kind(head[i][1])}">${cell}</td>`)}</tr>
`,
)}</tbody></table></div>
`;
}
