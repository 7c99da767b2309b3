/** Corpora that are plain lines: how each makes texts of them, as its loader in Hugging Face datasets does. */
import { batchesOfLines } from './lines.js';
import { strip } from './python-text.js';
import type { TextBatches } from './text-source.js';

/** PTB and LM1B: every line is a text, stripped; an empty line is an empty text. */
export async function* strippedLines(path: string): TextBatches {
  for await (const lines of batchesOfLines(path, { universal: true }))
    yield lines.map(({ text }) => strip(text));
}

/** WikiText: every line is a text and keeps its newline; a line of white space is an empty text. */
export async function* wikitextLines(path: string): TextBatches {
  for await (const lines of batchesOfLines(path, { universal: true })) {
    yield lines.map(({ text, ended }) => (strip(text) === '' ? '' : ended ? `${text}\n` : text));
  }
}
