/** About src/cli/flags.ts, src/cli/base-command.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { atCommas, betweenSamplers } from '../../src/cli/flags.js';
import { temporaryFolder } from '../support/folder.js';
import { duoEval, fixture, root } from '../support/run.js';

it('names and paths are separated, unless a file has the whole name', () => {
  const { root: folder } = temporaryFolder();
  const odd = join(folder, 'a,b.onnx');
  writeFileSync(odd, '');
  expect(atCommas('a.onnx, b=c.onnx,')).toEqual(['a.onnx', 'b=c.onnx']);
  expect(atCommas(odd)).toEqual([odd]);
  expect(atCommas(`name=${odd}`)).toEqual([`name=${odd}`]);
});

it('samplers keep their options', () => {
  expect(betweenSamplers('psi:preset=remdm-cap,eta=0.04,ancestral, ./m.mjs:a=1')).toEqual([
    'psi:preset=remdm-cap,eta=0.04',
    'ancestral',
    './m.mjs:a=1',
  ]);
});

it('one command compares samplers of one name with several options, at several numbers of steps', async () => {
  const { stdout } = await duoEval([
    ...['bench', '-m', fixture('duo.onnx'), '--sampler', 'psi:preset=remdm-cap,eta=0.04,ancestral'],
    ...[
      '--steps',
      '1,2',
      '--steps',
      '3',
      '--samples',
      '1',
      '--batch',
      '1',
      '--length',
      '4',
      '--no-memory',
      '--json',
    ],
  ]);
  const { results } = JSON.parse(stdout);
  const names = results.map(({ samples }: { samples: { name: string } }) => samples.name);
  expect(names).toEqual(
    ['duo psi preset=remdm-cap eta=0.04', 'duo ancestral'].flatMap((name) =>
      [1, 2, 3].map((n) => `${name} ${n}`),
    ),
  );
});

it('models, data sets and outputs have one short letter everywhere', () => {
  const { commands } = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8'));
  const letters = { model: 'm', dataset: 'd', out: 'o' };
  for (const { id, flags } of Object.values(commands) as {
    id: string;
    flags: Record<string, { char?: string }>;
  }[]) {
    for (const [name, letter] of Object.entries(letters))
      if (flags[name]) expect(flags[name].char, `--${name} of ${id}`).toBe(letter);
  }
});
