/**
 * The functions of lm-evaluation-harness's task files that are known here by name. A task file says `!function module.name`; its Python
 * is never run. What they do is fixed by the benchmarks: how their documents are cleaned, and what is put into the blank.
 */
import { DataError } from '../../errors.js';
import type { Document } from './template.js';

/** Turns a document into another. */
export type DocumentFunction = (document: Document) => Document;
/** A text, an index, or choices. */
export type PartFunction = (document: Document) => string | number | string[];

/** What is known for one data set, by the names that task files give. */
interface KnownFunctions {
  documents?: Readonly<Record<string, DocumentFunction>>;
  parts?: Readonly<Record<string, PartFunction>>;
  results?: Readonly<Record<string, 'mc2'>>;
}

/** @throws DataError where a document lacks the field or holds something else there */
function textOf(document: Document, field: string): string {
  const value = document[field];
  if (typeof value === 'string') return value;
  throw notSo(field, 'a text');
}

function textsOf(document: Document, field: string): string[] {
  const value = document[field];
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw notSo(field, 'a list of texts');
}

function notSo(field: string, what: string): DataError {
  return new DataError({
    code: 'document-unusable',
    message: `A document should have ${what} as ${JSON.stringify(field)}.`,
    hint: 'Check that the data are those of the task, in its published form.',
  });
}

// HellaSwag (arXiv 1905.07830). Brackets come from the WikiHow part of its data.
const withoutBrackets = (text: string): string =>
  text
    .trim()
    .replaceAll(' [title]', '. ')
    .replace(/\[.*?\]/g, '')
    .replaceAll('  ', ' ');

/** As Python's: the first letter large, all others small. */
const capitalized = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase();

function hellaswag(document: Document): Document {
  const context = `${textOf(document, 'ctx_a')} ${capitalized(textOf(document, 'ctx_b'))}`;
  return {
    ...document,
    query: withoutBrackets(`${textOf(document, 'activity_label')}: ${context}`),
    choices: textsOf(document, 'endings').map(withoutBrackets),
    gold: Number(document.label),
  };
}

// WinoGrande (arXiv 1907.10641), scored by what follows the blank (arXiv 1806.02847).
function blankOf(document: Document): { before: string; after: string } {
  const sentence = textOf(document, 'sentence');
  const at = sentence.indexOf('_');
  if (at < 0) throw notSo('sentence', 'a sentence with a blank _');
  return { before: sentence.slice(0, at), after: sentence.slice(at + 1).trim() };
}

const winogrande = {
  doc_to_text(document) {
    const at = ['1', '2'].indexOf(String(document.answer));
    if (at < 0) throw notSo('answer', '1 or 2');
    return at;
  },
  doc_to_target: (document) => blankOf(document).after,
  doc_to_choice: (document) =>
    ['option1', 'option2'].map((field) => blankOf(document).before + textOf(document, field)),
} satisfies Record<string, PartFunction>;

// RACE (arXiv 1704.04683), in the form in which a document is a passage with all of its questions.
interface Problem {
  question: string;
  answer: string;
  options: string[];
}

function problemsOf(document: Document): Problem[] {
  const { problems } = document;
  const read = typeof problems === 'string' ? pythonLiteral(problems) : problems;
  const isProblem = (one: unknown): one is Problem => {
    const { question, answer, options } = (one ?? {}) as Partial<Problem>;
    return typeof question === 'string' && typeof answer === 'string' && Array.isArray(options);
  };
  if (Array.isArray(read) && read.length > 0 && read.every(isProblem)) return read;
  throw notSo('problems', 'a list of problems');
}

const letterOf = ({ answer }: Problem): number => 'ABCD'.indexOf(answer);
// `problemsOf` returns at least one
const lastProblem = (document: Document): Problem => problemsOf(document).at(-1)!;

const race = {
  doc_to_text(document) {
    const solved = problemsOf(document)
      .slice(0, -1)
      .map((problem) => {
        const answer = problem.options[letterOf(problem)];
        if (problem.question.endsWith('  _  .')) return `${problem.question.slice(0, -5)}${answer}\n`;
        return `Question: ${problem.question}\nAnswer: ${answer}\n`;
      });
    return `Article: ${textOf(document, 'article')}\n\n${solved.join('')}${lastProblem(document).question}`;
  },
  doc_to_target: (document) => letterOf(lastProblem(document)),
  doc_to_choice: (document) => lastProblem(document).options.slice(0, 4),
} satisfies Record<string, PartFunction>;

const MOST_DEPTH = 16;

/** A literal of Python made of lists, dictionaries, texts and numbers. @throws DataError for anything else */
export function pythonLiteral(text: string): unknown {
  let at = 0;
  const fail = (): never => {
    throw notSo('problems', 'a literal of Python');
  };
  const skip = () => {
    while (/\s/.test(text[at] ?? '')) at++;
  };
  const items = (close: string, item: () => void) => {
    at++;
    for (skip(); text[at] !== close; skip()) {
      item();
      skip();
      if (text[at] === ',') at++;
      else if (text[at] !== close) fail();
    }
    at++;
  };
  const string = (): string => {
    const quote = text[at++];
    let value = '';
    for (; text[at] !== quote; at++) {
      if (at >= text.length) fail();
      if (text[at] !== '\\') {
        value += text[at];
        continue;
      }
      const letter = text[++at] ?? '';
      const digits = { x: 2, u: 4, U: 8 }[letter];
      if (digits === undefined) value += { n: '\n', t: '\t', r: '\r', '\n': '' }[letter] ?? letter;
      else {
        const code = Number.parseInt(text.slice(at + 1, at + 1 + digits), 16);
        if (!(code <= 0x10ffff)) fail();
        value += String.fromCodePoint(code);
        at += digits;
      }
    }
    at++;
    return value;
  };
  const value = (depth: number): unknown => {
    if (depth > MOST_DEPTH) fail();
    skip();
    const start = text[at];
    if (start === '"' || start === "'") return string();
    if (start === '[' || start === '(') {
      const list: unknown[] = [];
      items(start === '[' ? ']' : ')', () => list.push(value(depth + 1)));
      return list;
    }
    if (start === '{') {
      const entries: [string, unknown][] = [];
      items('}', () => {
        const key = String(value(depth + 1));
        skip();
        if (text[at++] !== ':') fail();
        entries.push([key, value(depth + 1)]);
      });
      return Object.fromEntries(entries);
    }
    const word = /^[\w.+-]+/.exec(text.slice(at, at + 64))?.[0] ?? fail();
    at += word.length;
    const named = { True: true, False: false, None: null }[word];
    return named === undefined ? (Number.isNaN(Number(word)) ? fail() : Number(word)) : named;
  };
  const read = value(0);
  skip();
  return at === text.length ? read : fail();
}

/** By data set, without its owner: names such as `utils.process_docs` mean something else in every folder of tasks. */
const KNOWN: Readonly<Record<string, KnownFunctions>> = {
  hellaswag: { documents: { 'utils.process_docs': hellaswag } },
  winogrande: {
    parts: Object.fromEntries(
      Object.entries(winogrande).map(([name, of]) => [`preprocess_winogrande.${name}`, of]),
    ),
  },
  race: {
    parts: Object.fromEntries(Object.entries(race).map(([name, of]) => [`preprocess_race.${name}`, of])),
  },
  truthful_qa: { results: { 'utils.process_results_mc2': 'mc2' } },
};

/** The functions that task files over a data set may name. @param repo `owner/name` on the hub; null: none */
export function functionsFor(repo: string | null): KnownFunctions {
  return KNOWN[repo?.split('/').at(-1) ?? ''] ?? {};
}

/** For hints. */
export const FUNCTION_NAMES = Object.entries(KNOWN).flatMap(([data, { documents, parts, results }]) =>
  Object.keys({ ...documents, ...parts, ...results }).map((name) => `${name} of ${data}`),
);
