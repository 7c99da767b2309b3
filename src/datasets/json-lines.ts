/** JSON lines: one object a line, the text in one of its columns; blank lines are passed over. */
import { DataError } from '../errors.js';
import { linesOf } from './lines.js';
import { missingColumn, notText } from './missing-column.js';

/** Most bytes of a line: beside its text, a line may hold lists, which take many times their bytes once they are parsed. */
const LONGEST_LINE = 2 ** 25;
/** Lines from this length on are looked over for brackets first: the parser takes long over very many open ones. */
const LONG_LINE = 2 ** 20;
const DEEPEST = 1000;

/** @param column of a string   @throws DataError that names the line */
export async function* jsonLinesTexts(path: string, column: string): AsyncGenerator<string> {
  for await (const { record, where } of jsonLines(path)) {
    if (!Object.hasOwn(record, column)) throw missingColumn(path, column, Object.keys(record), `, ${where},`);
    const text = record[column];
    if (typeof text !== 'string') throw notText(path, column, text, where);
    yield text;
  }
}

/**
 * Scientific papers (arXiv and PubMed, arXiv 1804.05685): `article_text`, an array of sentences, joined by newlines;
 * files converted since have the joined text as `article`.
 */
export async function* scientificPapersTexts(path: string): AsyncGenerator<string> {
  for await (const { record, where } of jsonLines(path)) {
    if (typeof record.article === 'string') {
      yield record.article;
      continue;
    }
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
    yield sentences.join('\n');
  }
}

async function* jsonLines(path: string): AsyncGenerator<{ record: Record<string, unknown>; where: string }> {
  for await (const { text, number } of linesOf(path, { universal: false, most: LONGEST_LINE })) {
    if (text.trim() === '') continue;
    yield { record: parseObject(text, path, number), where: `line ${number}` };
  }
}

/** @throws SyntaxError for text with more brackets open than any table has */
function checkDepth(text: string): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === QUOTE) {
      for (i = text.indexOf('"', i + 1); i > 0 && isEscaped(text, i); ) i = text.indexOf('"', i + 1);
      if (i < 0) return; // the parser says what is wrong
    } else if (character === OPEN_LIST || character === OPEN_OBJECT) {
      if (++depth > DEEPEST) throw new SyntaxError('too deep');
    } else if (character === CLOSE_LIST || character === CLOSE_OBJECT) depth--;
  }
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [...'"\\[]{}'].map((character) =>
  character.charCodeAt(0),
);

/** Whether an odd number of backslashes stands before a place. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === BACKSLASH) before--;
  return (at - before) % 2 === 0;
}

function parseObject(text: string, path: string, line: number): Record<string, unknown> {
  let value: unknown;
  try {
    if (text.length >= LONG_LINE) checkDepth(text);
    value = JSON.parse(text);
  } catch (cause) {
    throw new DataError({
      code: 'malformed-json-line',
      message: `${path}, line ${line} is not JSON.`,
      hint: 'Each line of a .jsonl file is one JSON object. Correct or remove that line.',
      cause,
    });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new DataError({
      code: 'malformed-json-line',
      message: `${path}, line ${line} is JSON but not an object.`,
      hint: 'Each line of a .jsonl file is one object, such as {"text": "…"}.',
    });
  }
  return value as Record<string, unknown>;
}
