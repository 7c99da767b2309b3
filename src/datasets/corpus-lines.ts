/** Corpora that are plain lines: how each makes texts of them, as its loader in Hugging Face datasets does. */
import { linesOf } from './lines.js';
import { strip } from './python-text.js';

/** PTB and LM1B: every line is a text, stripped; an empty line is an empty text. */
export async function* strippedLines(path: string): AsyncGenerator<string> {
  for await (const line of linesOf(path, { universal: true })) yield strip(line.text);
}

/** WikiText: every line is a text and keeps its newline; a line of white space is an empty text. */
export async function* wikitextLines(path: string): AsyncGenerator<string> {
  for await (const line of linesOf(path, { universal: true })) {
    yield strip(line.text) === '' ? '' : line.ended ? `${line.text}\n` : line.text;
  }
}
