/**
 * Tables of JSON objects with the text in one column: one object per line, blank lines skipped; or, in a .json file, one
 * array of objects.
 */
import { DataError } from '../errors.js';
import { BUDGET, tooManyEmpty } from './budget.js';
import { isJsonArray, itemsOf } from './json-array.js';
import { batchesOfLines } from './lines.js';
import { missingColumn } from './missing-column.js';
import { type TextColumn, textIn } from './text-column.js';
import type { TextBatches } from './text-source.js';

/** Longer lines are first checked for brackets: the parser is slow on very many open ones. */
const LONG_LINE = 2 ** 20;

export interface JsonRow {
  record: Record<string, unknown>;
  /** E.g. `line 3`. */
  where: string;
}

/** @throws DataError that names the row */
export async function* jsonTexts(path: string, { name, nulls }: TextColumn): TextBatches {
  for await (const rows of jsonRows(path)) {
    const texts: string[] = [];
    for (const { record, where } of rows) {
      const text = textIn(record, name, path, where);
      if (text === null) nulls.meet(path, name, where);
      else texts.push(text);
    }
    yield texts;
  }
}

/**
 * Scientific papers (arXiv and PubMed, arXiv 1804.05685): `article_text`, an array of sentences, joined by newlines;
 * later conversions have the joined text as `article`.
 */
export async function* scientificPapersTexts(path: string): TextBatches {
  for await (const rows of jsonRows(path)) yield rows.map((row) => articleIn(row, path));
}

function articleIn({ record, where }: JsonRow, path: string): string {
  if (typeof record.article === 'string') return record.article;
  const sentences = record.article_text;
  if (sentences === undefined) {
    throw missingColumn(path, 'article_text', Object.keys(record), `, ${where},`);
  }
  if (!Array.isArray(sentences) || !sentences.every((sentence) => typeof sentence === 'string')) {
    throw new DataError({
      code: 'not-text',
      message: `${path}, ${where}: "article_text" should be an array of texts.`,
      hint: 'Use the release form of the data set, or .jsonl with a column "article".',
    });
  }
  return sentences.join('\n');
}

/** Every object of the file, in batches. @throws DataError that names the row */
export async function* jsonRows(path: string): AsyncGenerator<JsonRow[]> {
  if (/\.json(\.gz)?$/i.test(path) && (await isJsonArray(path))) {
    for await (const items of itemsOf(path)) {
      yield items.map(({ text, number }) => rowOf(text, path, `item ${number}`, 'an item of the array'));
    }
    return;
  }
  let blank = 0;
  for await (const lines of batchesOfLines(path, { universal: false, most: BUDGET.line })) {
    const rows: JsonRow[] = [];
    for (const { text, number } of lines) {
      blank = text.trim() === '' ? blank + 1 : 0;
      if (blank > BUDGET.emptyTexts) throw tooManyEmpty(path, 'blank lines');
      if (blank === 0) rows.push(rowOf(text, path, `line ${number}`, 'a line of a .jsonl file'));
    }
    yield rows;
  }
}

/** @throws SyntaxError for text nested deeper than any table */
function checkDepth(text: string): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === QUOTE) {
      for (i = text.indexOf('"', i + 1); i > 0 && isEscaped(text, i); ) i = text.indexOf('"', i + 1);
      if (i < 0) return; // the parser reports what is wrong
    } else if (character === OPEN_LIST || character === OPEN_OBJECT) {
      if (++depth > BUDGET.jsonDepth) throw new SyntaxError('too deep');
    } else if (character === CLOSE_LIST || character === CLOSE_OBJECT) depth--;
  }
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [...'"\\[]{}'].map((character) =>
  character.charCodeAt(0),
);

/** Whether an odd number of backslashes precedes a position. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === BACKSLASH) before--;
  return (at - before) % 2 === 0;
}

/** @param what each object is, for the hint */
function rowOf(text: string, path: string, where: string, what: string): JsonRow {
  let value: unknown;
  try {
    if (text.length >= LONG_LINE) checkDepth(text);
    value = JSON.parse(text);
  } catch (cause) {
    throw new DataError({
      code: 'malformed-json-line',
      message: `${path}, ${where} is not JSON.`,
      hint: `${capitalize(what)} is one JSON object. Correct or remove it.${/\.json(\.gz)?$/i.test(path) ? ' A .json file is an array of objects, or has an object a line.' : ''}`,
      cause,
    });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new DataError({
      code: 'malformed-json-line',
      message: `${path}, ${where} is JSON but not an object.`,
      hint: `${capitalize(what)} is one object, such as {"text": "…"}.`,
    });
  }
  return { record: value as Record<string, unknown>, where };
}

const capitalize = (text: string): string => text[0].toUpperCase() + text.slice(1);
