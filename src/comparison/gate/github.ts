/**
 * Output for GitHub Actions: a summary in markdown, appended to the file that GITHUB_STEP_SUMMARY names (at most 1 MiB per
 * step), and annotations, written as workflow commands (GitHub shows at most 10 per kind and step).
 */
import { appendFileSync, statSync } from 'node:fs';
import { FileError } from '../../errors.js';
import { plainText } from '../../terminal-text.js';
import type { GateRecord } from './checks.js';
import { byUrgency, checkText, verdictText } from './sentences.js';
import { gateMarkdown } from './table.js';

const LARGEST_SUMMARY = 2 ** 20;
const MOST_ANNOTATIONS = 10;

/** Appends the table, with as many rows as there is room for. @throws FileError when the file cannot be written */
export function appendSummary(path: string, record: GateRecord): void {
  const before = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const text = summaryWithin(record, LARGEST_SUMMARY - before);
  try {
    appendFileSync(path, text);
  } catch (cause) {
    throw new FileError({
      code: 'summary-not-writable',
      message: `The step summary cannot be written: ${(cause as Error).message}.`,
      hint: 'GITHUB_STEP_SUMMARY names the file; unset it to do without.',
      cause,
    });
  }
}

/** @param bytes the available room   @returns fewer bytes than that, in UTF-8 */
export function summaryWithin(record: GateRecord, bytes: number): string {
  const sized = (most: number) => `## duo-eval gate: ${record.verdict}\n\n${gateMarkdown(record, most)}\n`;
  const fits = (text: string) => Buffer.byteLength(text) < bytes;
  for (let most = record.checks.length; most >= 1; most = Math.floor(most / 2))
    if (fits(sized(most))) return sized(most);
  const short = `## duo-eval gate: ${record.verdict}\n\n${verdictText(record)}\n`;
  return fits(short) ? short : '';
}

/** Workflow commands, one per line: broken limits first; the last line counts those left out. */
export function annotations(record: GateRecord, file: string): string[] {
  const urgent = byUrgency(record.checks).filter(({ verdict }) => verdict !== 'pass');
  const shown = urgent.slice(0, urgent.length > MOST_ANNOTATIONS ? MOST_ANNOTATIONS - 1 : MOST_ANNOTATIONS);
  const lines = shown.map((check) => {
    const kind = check.verdict === 'fail' ? 'error' : 'warning';
    return `::${kind} file=${property(file)},line=${check.line},title=${property(check.gate)}::${data(checkText(check))}`;
  });
  const left = urgent.length - shown.length;
  if (left > 0)
    lines.push(
      `::error title=duo-eval gate::${data(`${left} further limits do not hold. ${verdictText(record)}`)}`,
    );
  return lines;
}

function data(text: string): string {
  return plainText(text).replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
}

function property(text: string): string {
  return data(text).replace(/:/g, '%3A').replace(/,/g, '%2C');
}
