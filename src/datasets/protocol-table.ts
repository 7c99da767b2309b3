/**
 * The seven zero-shot data sets (wikitext twice: its two validation splits are the same text) as the reference
 * evaluates them: split, detokenizer, form of the published file, and text column of Parquet and .jsonl conversions.
 */

import { agNewsTexts } from './csv-texts.js';
import type { DetokenizerName } from './detokenizers.js';
import { jsonTexts, scientificPapersTexts } from './json-lines.js';
import { batchesOfLines } from './lines.js';
import { strip } from './python-text.js';
import { NullRows } from './text-column.js';
import { eachText, type TextBatches, type TextSource } from './text-source.js';

export interface ProtocolDataset {
  split: string;
  detokenizer: DetokenizerName | null;
  /** The published file, in words for lists and messages. */
  form: string;
  /** Name of the way the published file is read; part of the cache key. */
  reading: string;
  readPublished(path: string): TextBatches;
  /** Text column, if the file is a table. */
  column: string;
  /** Endings, without .gz, that are read as the published form although the ending alone suggests another. */
  publishedEndings: readonly string[];
  /** See {@link TextSource.beginsDocument}; for the published form and for tables. */
  beginsDocument: TextSource['beginsDocument'];
}

/** PTB and LM1B, as Hugging Face datasets loads them: every line is a text, stripped; an empty line is an empty text. */
async function* strippedLines(path: string): TextBatches {
  for await (const lines of batchesOfLines(path, { universal: true }))
    yield lines.map(({ text }) => strip(text));
}

/** WikiText, as Hugging Face datasets loads it: every line is a text and keeps its newline; a blank line is an empty text. */
async function* wikitextLines(path: string): TextBatches {
  for await (const lines of batchesOfLines(path, { universal: true })) {
    yield lines.map(({ text, ended }) => (strip(text) === '' ? '' : ended ? `${text}\n` : text));
  }
}

/** WikiText's texts are lines. An article begins with its title, ` = Title = `; sections have more equals signs. */
const beginsArticle = (line: string): boolean => /^\s*= [^=].* =\s*$/.test(line);

const wikitext: ProtocolDataset = {
  split: 'validation',
  detokenizer: 'wikitext',
  form: 'raw lines (wiki.valid.raw)',
  reading: 'wikitext-lines',
  readPublished: wikitextLines,
  column: 'text',
  publishedEndings: [],
  beginsDocument: beginsArticle,
};

const scientificPapers: ProtocolDataset = {
  split: 'validation',
  detokenizer: 'scientific-papers',
  form: 'JSON lines with article_text (val.txt)',
  reading: 'scientific-papers',
  readPublished: scientificPapersTexts,
  column: 'article',
  publishedEndings: ['.jsonl', '.ndjson', '.json'],
  beginsDocument: eachText,
};

export const PROTOCOL_DATASETS: Readonly<Record<string, ProtocolDataset>> = {
  ptb: {
    split: 'validation',
    detokenizer: 'ptb',
    form: 'one sentence a line (ptb.valid.txt)',
    reading: 'stripped-lines',
    readPublished: strippedLines,
    column: 'sentence',
    publishedEndings: [],
    beginsDocument: null, // sentences, whose documents are unknown
  },
  wikitext103: wikitext,
  wikitext2: wikitext,
  lm1b: {
    split: 'test',
    detokenizer: 'lm1b',
    form: 'one sentence a line',
    reading: 'stripped-lines',
    readPublished: strippedLines,
    column: 'text',
    publishedEndings: [],
    beginsDocument: null,
  },
  lambada: {
    split: 'test',
    detokenizer: 'lambada',
    form: 'JSON lines with text (lambada_test.jsonl, the OpenAI variant)',
    reading: 'json-lines:text',
    readPublished: (path) => jsonTexts(path, { name: 'text', nulls: new NullRows(false) }),
    column: 'text',
    publishedEndings: [],
    beginsDocument: eachText,
  },
  ag_news: {
    split: 'test',
    detokenizer: null,
    form: 'CSV without a header: class, title, description (test.csv)',
    reading: 'ag-news-csv',
    readPublished: agNewsTexts,
    column: 'text',
    publishedEndings: ['.csv'],
    beginsDocument: eachText,
  },
  pubmed: scientificPapers,
  arxiv: scientificPapers,
};
