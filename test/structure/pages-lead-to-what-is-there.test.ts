/** About README.md, CONTRIBUTING.md, SECURITY.md, docs/ */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorsOf, blocksOf, pages, prose } from '../docs/pages.js';
import { read, root } from './source-files.js';

/** Files of the repository as git knows them, and new ones that it does not ignore. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));
const texts = files.filter(
  (path) => /\.(md|ts|mjs|js|json|yml|yaml|py)$/.test(path) && path !== 'package-lock.json',
);
const markdown = texts.filter((path) => path.endsWith('.md'));

const isThere = (path: string) =>
  files.includes(path) || files.some((file) => file.startsWith(path.endsWith('/') ? path : `${path}/`));

describe('links', () => {
  it('of pages lead to files and headings that are there', () => {
    const lost: string[] = [];
    for (const page of markdown)
      for (const [, target] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [path, anchor] = target.split('#');
        const file = path === '' ? page : join(dirname(page), path);
        if (!isThere(file) || (anchor !== undefined && !anchorsOf(file).has(anchor)))
          lost.push(`${page}: ${target}`);
      }
    expect(lost).toEqual([]);
  });

  it('in code style name files that are there', () => {
    const lost = markdown.flatMap((page) =>
      [...read(page).matchAll(/`((?:src|test|schema|fixtures|bench|scripts|docs|fuzz)\/[\w./-]*)`/g)]
        .map(([, path]) => path)
        .filter((path) => !existsSync(join(root, path)))
        .map((path) => `${page}: ${path}`),
    );
    expect(lost).toEqual([]);
  });

  it('of pages reach every page', () => {
    const reached = new Set(
      markdown.flatMap((page) =>
        [...prose(page).matchAll(/\]\(([^)\s#]+)/g)].map(([, target]) => join(dirname(page), target)),
      ),
    );
    expect(pages.filter((page) => page !== 'README.md' && !reached.has(page))).toEqual([]);
  });
});

describe('citations', () => {
  /** A Markdown document named in capitals, or a page under docs/, wherever it is named: comments, messages, pages. */
  const CITED = /\b((?:docs\/[\w-]+|[A-Z][A-Z\d-]+)\.md)\b/g;

  it('of documents are of documents that are there', () => {
    const lost = texts.flatMap((path) =>
      [...read(path).matchAll(CITED)]
        .map(([, cited]) => cited)
        .filter((cited) => !isThere(cited) && !isThere(join(dirname(path), cited)))
        .map((cited) => `${path}: ${cited}`),
    );
    expect([...new Set(lost)]).toEqual([]);
  });
});

describe('code blocks of pages', () => {
  it('say which language they are in', () => {
    const silent = pages.flatMap(blocksOf).filter(({ language }) => language === '');
    expect(silent.map(({ page, text }) => `${page}: ${text.split('\n')[0]}`)).toEqual([]);
  });
});
