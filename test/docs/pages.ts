/** The pages a reader has: their code blocks, their headings and their links. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/run.js';

export const README = 'README.md';

/** Paths relative to the project. */
export const pages: readonly string[] = [
  README,
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

export interface Block {
  page: string;
  /** First word after the fence. */
  language: string;
  /** The rest of that line: `slow`, or `not-run: why`. */
  mark: string;
  text: string;
}

export function blocksOf(page: string): Block[] {
  return [...textOf(page).matchAll(/^```(\w*)(.*)\n([\s\S]*?)^```$/gm)].map(([, language, mark, text]) => ({
    page,
    language,
    mark: mark.trim(),
    text,
  }));
}

/** A block that a reader can paste into a shell. */
export interface Example extends Block {
  /** Too slow for `npm test`: it runs in the slow suite. */
  slow: boolean;
  /** The output shown in a `text` block right below it. */
  shown: string | null;
}

/** Examples that are run: `sh` blocks that call duo-eval and are not marked `not-run`. */
export function examplesOf(page: string): Example[] {
  const blocks = blocksOf(page);
  return blocks
    .map((block, i) => ({
      ...block,
      slow: block.mark === 'slow',
      shown: blocks[i + 1]?.language === 'text' ? blocks[i + 1].text : null,
    }))
    .filter(
      ({ language, text, mark }) =>
        language === 'sh' && text.includes('duo-eval') && !mark.startsWith('not-run'),
    );
}

/** Text outside code blocks and code spans, in which links are links. */
export const prose = (page: string): string =>
  textOf(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/`[^`\n]*`/g, '``');

/** Names of the headings as GitHub makes them for `#…` links. */
export function anchorsOf(page: string): Set<string> {
  const headings = textOf(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .matchAll(/^#{1,6} +(.+)$/gm);
  return new Set(
    [...headings].map(([, title]) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}
