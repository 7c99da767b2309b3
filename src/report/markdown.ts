/** A report as GitHub-flavoured markdown. */

import { escapeMarkup, pipeTable } from '../printing/pipe-table.js';
import { plainText } from '../terminal-text.js';
import { publishedSection } from './published-section.js';
import { otherNote, repetitionOf, suiteNote } from './repetition.js';
import type { Report, Section } from './report.js';
import { environmentSection, sectionsOf } from './sections.js';

export function reportMarkdown(report: Report): string {
  const published = report.published ? publishedSection(report.rows) : null;
  const parts = [`# ${escapeMarkup(plainText(report.title))}`];
  for (const section of [...sectionsOf(report), ...(published ? [published] : [])])
    parts.push(sectionText(section));
  for (const { model, sampling, texts, count } of report.samples) {
    parts.push(
      `## Samples of ${escapeMarkup(plainText(model))}\n\n${escapeMarkup(plainText(sampling))}; the first ${texts.length} of ${count}.`,
      ...texts.map((text) => codeBlock(text)),
    );
  }
  if (report.paper) return `${parts.join('\n\n')}\n`;
  parts.push(sectionText(environmentSection(report)));
  const { suites, runs, others } = repetitionOf(report.rows);
  parts.push('## How to repeat it', ...(suites.length > 0 ? [escapeMarkup(suiteNote(suites.length))] : []));
  for (const [i, { file, command }] of runs.entries())
    parts.push(`### ${file}`, codeBlock(suites[i].trimEnd(), 'yaml'), codeBlock(command, 'sh'));
  for (const { why, commands } of others) {
    parts.push(escapeMarkup(otherNote(why, commands.length)));
    if (commands.length > 0) parts.push(codeBlock(commands.join('\n'), 'sh'));
  }
  return `${parts.join('\n\n')}\n`;
}

function sectionText({ title, tables, notes }: Section): string {
  const list = notes.map((note) => `- ${escapeMarkup(note)}`).join('\n');
  const parts = [
    `## ${title}`,
    ...tables.map(({ head, rows }) => pipeTable(head, rows)),
    ...(list ? [list] : []),
  ];
  return parts.join('\n\n');
}

/** A code block, with a fence longer than any run of backticks in the text. */
function codeBlock(text: string, language = 'text'): string {
  const clean = text.split('\n').map(plainText).join('\n');
  const longest = Math.max(2, ...[...clean.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${clean}\n${fence}`;
}
