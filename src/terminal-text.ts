/**
 * Text that others wrote, made fit for a terminal, and how wide it is there. Model names, card fields and data come
 * from files: they pass through `plainText` before they are printed, so they cannot move the cursor, retitle the
 * window, hide or reorder what stands beside them. Any room may use this; streams and colour are cli/terminal.ts.
 */
import { createRequire } from 'node:module';

/** Escape sequences, in 7-bit and 8-bit form: strings (OSC, DCS, SOS, PM, APC) up to their end, CSI, two-byte ones. */
const ESCAPE_SEQUENCES =
  /(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]/g;
/** Line and paragraph ends and tabs: a space keeps the words apart. */
const SEPARATORS = /[\t\n\v\f\r\x85\u2028\u2029]+/g;
/** C0, DEL, C1; bidirectional marks, overrides and isolates; invisible spaces, annotations and tags. */
const INVISIBLE =
  /[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const LONE_SURROGATES = /\p{Surrogate}/gu;

/** One line of text that cannot act on a terminal: escape sequences and control characters gone, line ends as spaces. */
export function plainText(text: string): string {
  return text
    .replace(ESCAPE_SEQUENCES, '')
    .replace(SEPARATORS, ' ')
    .replace(INVISIBLE, '')
    .replace(LONE_SURROGATES, '\ufffd');
}

/** As {@link plainText}, line by line: for messages that are meant to have several lines. */
export function plainLines(text: string): string {
  return text
    .split(/\r\n|\n/)
    .map(plainText)
    .join('\n');
}

/**
 * What continuous integration takes for commands of its own, as text: GitHub's runner looks at the start of each line, after
 * spaces, for `::`, and anywhere for `##[`, as Azure's does for `##vso[`. An apostrophe makes it none; a space before it
 * gives way, so that columns stay where they are. For what is printed, line by line, and not for what is data.
 */
export function inertLines(text: string): string {
  return text
    .replace(/^([^\S\n]*?)([^\S\n]?)::/gm, (_all, indent: string) => `${indent}'::`)
    .replace(/##(?=(?:vso)?\[)/g, "##'");
}

let measure: ((text: string) => number) | undefined;

/** Columns that `text` takes in a terminal, measured by the very function that the table printer lays out with. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  if (!measure) {
    const fromHere = createRequire(import.meta.url);
    const fromTable = createRequire(fromHere.resolve('cli-table3'));
    measure = fromTable('string-width') as (text: string) => number;
  }
  return measure(text);
}

/** `text` if it fits in `width` columns, else its beginning and «…». Cuts between grapheme clusters. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return '';
  const clusters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  const kept = takeUpTo(clusters, width - 1).join('');
  return `${kept.trimEnd()}…`;
}

/** As {@link truncate}, but the middle gives way: names of a family differ at their ends. */
export function truncateMiddle(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const clusters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  const head = takeUpTo(clusters, Math.ceil((width - 1) / 2));
  const tail = takeUpTo(
    clusters.slice(head.length).reverse(),
    width - 1 - displayWidth(head.join('')),
  ).reverse();
  return width < 1 ? '' : `${head.join('')}…${tail.join('')}`;
}

function takeUpTo(clusters: string[], width: number): string[] {
  let used = 0;
  const end = clusters.findIndex((cluster) => {
    used += displayWidth(cluster);
    return used > width;
  });
  return end === -1 ? clusters : clusters.slice(0, end);
}

/** `text` broken at spaces into lines of at most `width` columns; longer words stand on a line of their own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > width) {
        lines.push(line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    lines.push(line);
  }
  return lines;
}

/** A word too long for its line, broken behind its marks (`duo-`, `checkpoints/`), else where the line is full. */
export function breakWord(word: string, width: number): string[] {
  const lines: string[] = [];
  let rest = word;
  while (displayWidth(rest) > width) {
    const clusters = [...new Intl.Segmenter().segment(rest)].map(({ segment }) => segment);
    const fitting = takeUpTo(clusters, width).join('');
    const line = /^.*[-_/.:]/u.exec(fitting)?.[0] ?? fitting;
    if (line === '') break; // a letter wider than the line
    lines.push(line);
    rest = rest.slice(line.length);
  }
  return [...lines, rest];
}
