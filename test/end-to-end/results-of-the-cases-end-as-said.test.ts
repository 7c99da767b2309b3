/** About src/commands/compare.ts, src/commands/gate.ts, src/commands/report.ts */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';

const cases = join(root, '..', 'shared', 'cases', 'results');
const at = (name: string) => join(cases, name);

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

describe.skipIf(!existsSync(cases))('of the cases of results (needs ../shared/cases)', () => {
  it.each([
    ['bad-ci.json', /results\.0\.metrics\.ppl\.value: a perplexity is above 0, and not -5/],
    ['no-metrics.json', /results\.1\.metrics\.ppl: it is missing/],
  ])('%s never passes a gate: it is refused with the place of the row', async (name, says) => {
    const ran = await space.run(['gate', '--results', at(name), '--config', at('one.yaml')]);
    expectFailure(ran, { exit: 6, says });
  });

  it('csv-formula.json has no cell that a spreadsheet would compute', async () => {
    const { stdout } = await succeed(space, ['report', at('csv-formula.json'), '--format', 'csv']);
    expect(stdout).toContain(`"'=HYPERLINK(`);
    expect(stdout).not.toMatch(/(^|,)"?[\s\u200b]*=/m);
  });

  it.each([
    ['gate', ['gate', '--results', at('gh-name.json'), '--config', at('one.yaml')]],
    ['compare', ['compare', at('gh-name.json'), at('gh-name.json')]],
    ['report', ['report', at('gh-name.json')]],
  ])('gh-name.json gives no runner a command through %s', async (_what, args) => {
    const { stdout, stderr } = await space.run(args, { GITHUB_ACTIONS: 'true' });
    expect(stdout + stderr).toContain('::stop-commands::tok');
    expect(`${stdout}\n${stderr}`).not.toMatch(/^\s*::/m);
  });
});
