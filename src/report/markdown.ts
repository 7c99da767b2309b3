/** A report as GitHub-flavoured markdown. */

import { escapeMarkup, pipeTable } from '../printing/pipe-table.js';
import { plainText } from '../terminal-text.js';
import { publishedSection } from './published-section.js';
import { commandsOf } from './repetition.js';
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
      ...texts.map(codeBlock),
    );
  }
  if (report.paper) return `${parts.join('\n\n')}\n`;
  parts.push(sectionText(environmentSection(report)));
  const commands = commandsOf(report.rows);
  if (commands.length > 0) parts.push(`## How to repeat it\n\n${codeBlock(commands.join('\n'))}`);
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
function codeBlock(text: string): string {
  const clean = text.split('\n').map(plainText).join('\n');
  const longest = Math.max(2, ...[...clean.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${clean}\n${fence}`;
}
