/**
 * The frame of every page: one file that refers to nothing outside itself (its policy forbids it), readable on a phone, in
 * print, in light and in dark. What is on the page is the caller's.
 */
import { html, Markup } from './markup.js';
import { STYLE } from './style.js';

export interface Page {
  title: string;
  /** Below the title: what was measured, in a sentence. */
  lead?: string;
  body: Markup;
  /** JavaScript without the script element; it runs when the page is there. */
  script?: string;
  /** Further rules of CSS. */
  style?: string;
}

export function htmlPage({ title, lead, body, script, style = '' }: Page): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${new Markup(STYLE + style)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${lead === undefined ? null : html`<p class="lead">${lead}</p>`}
${body}
</main>
${script === undefined ? null : html`<script>${new Markup(script)}</script>`}
</body>
</html>
`;
  return page.source;
}
