/**
 * The frame of every page: one file that refers to nothing outside itself (its policy forbids it), readable on a phone, in
 * print, in light and in dark. What is on the page is the caller's.
 */
import { html, Markup } from './markup.js';

/** Colours of series differ in lightness, too, so that they are told apart by colour-blind readers and in grey. */
const ON_WHITE =
  '--series-0: #0041ad; --series-1: #8b0000; --series-2: #839c60; --series-3: #67244b; --series-4: #b49000; --series-5: #1aa4a7;';
const ON_BLACK =
  '--series-0: #057ff6; --series-1: #d5653d; --series-2: #c9f2b1; --series-3: #8d578b; --series-4: #ffd249; --series-5: #1be9ff;';

/** How pages look. Colours are variables, so that plots follow the reader's light or dark. */
const STYLE = `
:root {
  --paper: #ffffff; --ink: #1d2530; --soft: #5a6675; --line: #d5dbe3; --raised: #f4f6f9;
  ${ON_WHITE}
  --changed: #ffe08a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e4e9ef; --soft: #9aa7b5; --line: #36404c; --raised: #1d232b;
    ${ON_BLACK}
    --changed: #6b5410;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.lead, figcaption, .note { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
th { font-weight: 600; vertical-align: bottom; }
td.number, th.number { text-align: right; }
pre, .sample { background: var(--raised); padding: .7rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: .3rem; font: .85rem/1.5 ui-monospace, monospace; }
figure { margin: 1rem 0; position: relative; }
figure svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
figure.plot .narrow { display: none; max-width: 30rem; margin: 0 auto; }
@media (max-width: 40rem) { figure.plot .wide { display: none; } figure.plot .narrow { display: block; } }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: .8rem; }
.panels h4 { font-size: .95rem; margin: .3rem 0; } .panels > div { max-width: 30rem; break-inside: avoid; }
details.figures { font-size: .9rem; color: var(--soft); } details.figures summary { cursor: pointer; } details.figures table { color: var(--ink); }
svg text { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
svg .axis { stroke: var(--soft); } svg .grid { stroke: var(--line); } svg .tick { fill: var(--soft); }
svg .leader { stroke: var(--soft); stroke-width: .8; }
svg .front { fill: none; stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 5 4; }
svg .at { stroke: var(--ink); stroke-dasharray: 2 3; } svg .zero { stroke: var(--ink); stroke-width: 1.2; }
svg .mark { cursor: default; } svg .mark:focus { outline: none; }
svg .mark:hover .shape, svg .mark:focus .shape { stroke: var(--ink); stroke-width: 2; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; padding: 0; margin: .3rem 0; font-size: .9rem; }
.legend svg { width: 14px; height: 14px; display: inline-block; vertical-align: -2px; margin-right: .4rem; }
.details { position: absolute; pointer-events: none; background: var(--raised); border: 1px solid var(--line); border-radius: .3rem;
  padding: .4rem .6rem; font-size: .8rem; line-height: 1.35; max-width: 18rem; z-index: 1; }
.details[hidden] { display: none; }
.details dl { display: grid; grid-template-columns: auto auto; gap: 0 .7rem; margin: 0; } .details dt { color: var(--soft); } .details dd { margin: 0; }
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --raised: #fff; ${ON_WHITE} }
  main { max-width: none; padding: 0; } .scroll { overflow: visible; } figure, tr { break-inside: avoid; } button, details.figures { display: none; }
  table { font-size: .75rem; } th, td { padding: .15rem .35rem; white-space: normal; overflow-wrap: anywhere; }
  table.many, .many tbody, .many tr { display: block; } .many thead { display: none; }
  .many tr { padding: .3rem 0; border-bottom: 1px solid var(--line); }
  .many td { display: none; } .many td[data-title] { display: inline-block; border: 0; padding: 0 .9rem 0 0; text-align: left; position: static; }
  .many td[data-title]::before { content: attr(data-title) ' '; color: var(--soft); }
}
`;

export interface Page {
  title: string;
  /** Below the title: what was measured, in a sentence. */
  lead?: string;
  body: Markup;
  /** JavaScript without the script element; it runs when the page is there. */
  script?: string;
  /** Further rules of CSS. */
  style?: string;
  /** The day that it is of; by default today. */
  date?: Date;
  /** Whether it asks the server that it came from. */
  asks?: boolean;
}

export function htmlPage({
  title,
  lead,
  body,
  script,
  style = '',
  date = new Date(),
  asks = false,
}: Page): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:${asks ? "; connect-src 'self'" : null}">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${new Markup(STYLE + style)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${lead === undefined ? null : html`<p class="lead">${lead}</p>`}
${asks ? null : html`<p class="note">Written on <time>${date.toISOString().slice(0, 10)}</time>.</p>`}
${body}
</main>
${script === undefined ? null : html`<script>${new Markup(script)}</script>`}
</body>
</html>
`;
  return page.source;
}
