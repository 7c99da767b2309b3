/**
 * About src/commands/compare.ts, src/commands/gate.ts, src/commands/inspect.ts, src/commands/ppl.ts,
 * src/commands/report.ts
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { resultsFile } from '../../src/records/record.js';
import { sampleResult } from '../records/sample.js';
import { fixture, root } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';

const NAME = '::add-mask::a\n::error title=x::b ##[add-mask]c \x9b31m\u202ed';
/** Acts on a terminal or a page; a line end alone is none. */
const ACTING = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

let space: Workspace;
beforeAll(() => {
  space = workspace();
  const named = (nll: number) => [sampleResult(NAME, NAME, nll)];
  space.write('a.json', JSON.stringify(resultsFile(named(4), [])));
  space.write('b.json', JSON.stringify(resultsFile(named(4.5), [])));
  space.write('gates.yaml', `gates:\n  - {name: ${JSON.stringify(NAME)}, metric: ppl, max: 10}\n`);
});

const lines = (text: string) => text.split('\n');
/** Of a runner: after spaces `::`, and anywhere `##[`. */
const commands = (text: string) => lines(text).filter((line) => /^\s*::|##(vso)?\[/.test(line));

const runs: [string, string[]][] = [
  ['gate', ['gate', '--results', 'a.json', '--config', 'gates.yaml', '--junit', 'gates.xml']],
  ['gate in markdown', ['gate', '--results', 'a.json', '--config', 'gates.yaml', '--format', 'markdown']],
  ['gate in JSON', ['gate', '--results', 'a.json', '--config', 'gates.yaml', '--json']],
  ['compare', ['compare', 'a.json', 'b.json', '--out', 'c.csv', '--out', 'c.md', '--out', 'c.json']],
  ['a report', ['report', 'a.json', 'b.json']],
  ['a report in CSV', ['report', 'a.json', '--format', 'csv']],
  ['a report in JSON', ['report', 'a.json', 'b.json', '--json']],
  ['a report of no such model', ['report', 'a.json', '--model', NAME.replace('a', 'e')]],
  ['a file that is not there', ['inspect', NAME]],
];

describe('in no output', () => {
  it.each(runs)(
    'of %s does a name give a runner commands, break a line or act on a terminal',
    async (_what, args) => {
      const { stdout, stderr } = await space.run(args, {
        GITHUB_ACTIONS: 'true',
        GITHUB_STEP_SUMMARY: space.at('summary.md'),
      });
      const own = commands(stderr).filter((line) =>
        /^::error file=gates\.yaml,line=2,title=%3A%3Aadd-mask/.test(line),
      );
      expect(commands(stdout + stderr)).toEqual(own);
      expect(own).toHaveLength(args[0] === 'gate' ? 1 : 0);
      expect(lines(stdout + stderr).filter((line) => /^\s*::error title=x/.test(line))).toEqual([]);
      for (const text of [stdout, stderr]) expect(text).not.toMatch(ACTING);
      expect(stdout + stderr).toContain('add-mask');
    },
  );

  it('that is a file does one act or hold a line of another name', () => {
    for (const name of ['gates.xml', 'c.csv', 'c.md', 'c.json', 'summary.md']) {
      expect(space.read(name), name).not.toMatch(ACTING);
      expect(
        lines(space.read(name)).filter((line) => line.startsWith('::')),
        name,
      ).toEqual([]);
    }
  });
});

const cases = join(root, '..', 'shared', 'cases');
const model = join(cases, 'models', 'newline-name', 'm.onnx');

describe.skipIf(!existsSync(model))(
  "the model with commands in an input's name (needs ../shared/cases)",
  () => {
    it.each([
      ['inspect'],
      ['ppl --family ar --length 32 --model'],
      ['ppl --json --family ar --length 32 --model'],
    ])('gives none through %s', async (line) => {
      const { stdout, stderr, code } = await space.run(
        [...line.split(' '), model, '--tokenizer', fixture('tokenizer')].slice(
          0,
          line === 'inspect' ? 2 : undefined,
        ),
      );
      expect(code).toBe(3);
      expect(stderr).toContain('::error title=pwned');
      expect(commands(stdout + stderr)).toEqual([]);
      expect(lines(stdout + stderr).filter((one) => one.startsWith('::'))).toEqual([]);
    });
  },
);
