/** JSON lines: one object a line, the text in one of its columns; blank lines are passed over. */
import { DataError } from '../errors.js';
import { linesOf } from './lines.js';
import { missingColumn, notText } from './missing-column.js';

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
  for await (const { text, number } of linesOf(path, { universal: false })) {
    if (text.trim() === '') continue;
    yield { record: parseObject(text, path, number), where: `line ${number}` };
  }
}

function parseObject(text: string, path: string, line: number): Record<string, unknown> {
  let value: unknown;
  try {
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
