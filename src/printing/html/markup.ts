/**
 * HTML as values: what is put into a template is text, and is escaped, unless it is markup itself. So a sample, a model's
 * name or a path cannot become part of a page's structure.
 */
import { plainLines } from '../../terminal-text.js';

export class Markup {
  constructor(readonly source: string) {}
}

type Part = Markup | string | number | null | undefined | readonly Part[];

/** html`<p>${text}</p>`: lists are joined, null and undefined are nothing. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  return new Markup(
    strings.reduce((source, literal, i) => source + (i > 0 ? sourceOf(parts[i - 1]) : '') + literal, ''),
  );
}

function sourceOf(part: Part): string {
  if (part === null || part === undefined) return '';
  if (part instanceof Markup) return part.source;
  if (Array.isArray(part)) return part.map(sourceOf).join('');
  return escaped(String(part));
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return plainLines(text).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** JSON that may stand in a script element: no `<` can end it. */
export function scriptData(id: string, value: unknown): Markup {
  const text = JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return new Markup(`<script type="application/json" id="${id}">${text}</script>`);
}
