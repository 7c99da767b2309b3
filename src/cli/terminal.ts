/**
 * The width and colours of the terminal behind a stream. Text is made safe and measured in ../terminal-text.ts, which is
 * exported from here too.
 */
import { styleText } from 'node:util';
import { inertLines, wrap } from '../terminal-text.js';

export {
  displayWidth,
  inertLines,
  plainLines,
  plainText,
  truncate,
  wrap,
} from '../terminal-text.js';

/** The part of `process.stdout` and `process.stderr` that is read here. */
export interface OutputStream {
  isTTY?: boolean;
  columns?: number;
}

/** Columns to fill: the terminal's, else COLUMNS, else 80. */
export function streamWidth(stream: OutputStream, env: NodeJS.ProcessEnv = process.env): number {
  if (stream.isTTY && stream.columns && stream.columns > 0) return stream.columns;
  const asked = Number(env.COLUMNS);
  return Number.isInteger(asked) && asked >= 20 ? asked : 80;
}

/** Use colour only where a person sees it: a terminal that is not dumb, with NO_COLOR unset (https://no-color.org). */
export function streamHasColor(stream: OutputStream, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** Sentences for a person: wrapped in a terminal, and one line each elsewhere, so that logs can be searched. */
export function sentenceLines(text: string, stream: OutputStream, indent = ''): string {
  const lines = text.split('\n');
  const wrapped = stream.isTTY
    ? lines.flatMap((line) => wrap(line, streamWidth(stream) - indent.length))
    : lines;
  return inertLines(wrapped.map((line) => indent + line).join('\n'));
}

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';

/** `text` in a style if `color`, else unchanged. */
export function paint(text: string, style: Style, color: boolean): string {
  return color ? styleText(style, text, { validateStream: false }) : text;
}
