/**
 * What the pages say of the program is what the program says of itself.
 * About README.md, docs/
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/run.js';
import { blocksOf, examplesOf, pages, textOf } from './pages.js';
import { type Reader, reader, words } from './reader.js';

const readme = textOf('README.md');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const rows = (page: string, pattern: RegExp) => [...textOf(page).matchAll(pattern)].map(([, first]) => first);

describe('README.md', () => {
  it('opens with the two commands that set up, run and test', () => {
    expect(readme).toMatch(/^# duo-eval\n\n```sh\nnpm ci && npm start\n```\n\n```sh\nnpm test\n```\n/);
    for (const script of ['start', 'test', 'check', 'fixtures', 'bench'])
      expect(manifest.scripts[script], script).toBeTruthy();
  });

  it('is short enough to be read', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(250);
  });

  it('leads to every page', () => {
    for (const page of pages.filter((one) => one !== 'README.md')) expect(readme).toContain(`](${page})`);
  });

  it('and the side bar of the site do', () => {
    const site = readFileSync(join(root, 'docs/.vitepress/config.mjs'), 'utf8');
    for (const page of pages.filter((one) => one !== 'README.md'))
      expect(site).toContain(`link: '/${page.replace(/\.md$/, '')}'`);
  });
});

describe('the table of npm start', () => {
  let here: Reader;
  beforeAll(() => {
    here = reader();
  });

  it('has the header that is printed, and its rows', async () => {
    const start = /bin\/run\.js (ppl .*)$/.exec(manifest.scripts.start)?.[1];
    const { stdout } = await here.shell(`duo-eval ${start?.replace(/--limit \d+/, '--limit 3')}`);
    const [header] = stdout.split('\n');
    const table = blocksOf('README.md').find(
      ({ language, text }) => language === 'text' && text.startsWith('model'),
    )!.text; // a README without it fails here
    // Narrower figures leave room for further columns.
    expect(words(header)).toContain(words(table.split('\n')[0]));
    const row = (text: string) =>
      [...text.matchAll(/^(\S+) +(sotu|moby-dick) /gm)].map(([, model, name]) => [model, name]);
    expect(row(stdout)).toHaveLength(8);
    expect(row(table)).toEqual(row(stdout));
  });
});

it('the table of the fixtures has the figures of npm start', () => {
  const printed = [...readme.matchAll(/^(\w+) +(sotu|moby-dick) +([\d.]+) ± ([\d.]+) /gm)];
  expect(printed).toHaveLength(8);
  for (const [, model, data, value, error] of printed) {
    const row = new RegExp(
      `^\\| \`${model}\\.onnx\` .*\\| ([\\d.]+) ± ([\\d.]+) \\| ([\\d.]+) ± ([\\d.]+) \\|$`,
      'm',
    );
    const [, ...figures] = row.exec(textOf('fixtures/README.md')) ?? [];
    const [kept, keptError] = data === 'sotu' ? figures.slice(0, 2) : figures.slice(2);
    const rounded = (figure: string, like = '') => Number(figure).toFixed(like.split('.')[1]?.length ?? 0);
    expect([kept, keptError]).toEqual([rounded(value, kept), rounded(error, keptError)]);
  }
});

describe('the pages', () => {
  it('list every exit status of the errors', () => {
    const errors = readFileSync(join(root, 'src/errors.ts'), 'utf8');
    const statuses = [...errors.matchAll(/exitCode = (\d+)/g)].map(([, status]) => status);
    expect(statuses.length).toBeGreaterThan(5);
    for (const page of ['README.md', 'docs/command-line.md'])
      expect(rows(page, /^\| (\d+) +\|/gm)).toEqual(expect.arrayContaining(['0', '1', ...statuses]));
  });

  it('list every variable that the sources read', () => {
    for (const variable of ['DUO_EVAL_CACHE', 'DUO_EVAL_CONFIG', 'DUO_EVAL_DEBUG', 'NO_COLOR'])
      expect(textOf('docs/command-line.md').includes(`\`${variable}\``), variable).toBe(true);
  });

  it('list every sampler, with the families it drives', async () => {
    const { samplers } = await import('../../src/samplers/registry.js');
    const listed = [...textOf('docs/samplers.md').matchAll(/^\| `([\w-]+)` +\| ([\w, ]+?) +\|/gm)]
      .filter(([, , families]) => /^(ar|mdlm|sedd|duo)(, |$)/.test(families))
      .map(([, name, families]) => [name, families.split(', ')]);
    expect(listed).toEqual(samplers.map(({ name, families }) => [name, [...families]]));
  });

  it('explain every key of a card', async () => {
    const { CARD_KEYS } = await import('../../src/models/card.js');
    for (const key of CARD_KEYS) expect(textOf('docs/models.md'), key).toContain(`\`${key}\``);
  });

  it('have an example of every command', () => {
    const { commands } = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as {
      commands: Record<string, object>;
    };
    // Those that need the network or a scheduler are shown, not run.
    const shown = ['datasets:fetch', 'submit:status', 'submit:wait', 'submit:cancel', 'worker'];
    const text = pages.map(textOf).join('\n');
    const run = pages
      .flatMap(examplesOf)
      .map((example) => example.text)
      .join('\n');
    for (const id of Object.keys(commands)) {
      const command = `duo-eval ${id.replaceAll(':', ' ')}`;
      expect(shown.includes(id) ? text : run, command).toContain(command);
    }
  });
});
