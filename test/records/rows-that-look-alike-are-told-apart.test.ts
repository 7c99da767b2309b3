import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { compareRows } from '../../src/comparison/compared-rows.js';
import { checkGates } from '../../src/comparison/gate/checks.js';
import { gateJunit } from '../../src/comparison/gate/junit.js';
import { formatDifferences } from '../../src/comparison/printed-differences.js';
import type { Result } from '../../src/evals/registry.js';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { formatResults } from '../../src/printing/formats.js';
import type { ResultRow } from '../../src/records/evaluation.js';
import { reportCsv } from '../../src/report/csv.js';
import { differencesWithin, type Report } from '../../src/report/report.js';
import { sectionsOf } from '../../src/report/sections.js';
import { gatesOf } from '../comparison/gates.js';
import { generatedResult } from '../comparison/generated-rows.js';
import { resultOfNats, rowsOfResults } from '../comparison/rows.js';
import { frontierResult } from '../evals/throughput/bench-sample.js';

type Cells = Record<string, string>;
const narrow = { width: 80, color: false };
const wave = (seed: number) => Array.from({ length: 40 }, (_, i) => 600 + 90 * Math.sin(3 * i + seed));

const seeded = (seed: number, name = 'duo') => {
  const result = resultOfNats(wave(seed), name);
  return { ...result, protocol: { ...result.protocol, seed } };
};
const drawn = (model: string, eta: number, seed: number) => {
  const result = generatedResult(model, 4, 20 + seed, 5) as { samples: object };
  const sampler = { name: 'psi', options: { preset: 'remdm-cap', eta }, steps: 4 };
  return { ...result, samples: { ...result.samples, name: `${model} psi`, sampler, seed } };
};
const swept = (eta: number) => {
  const result = frontierResult('duo', 480 + eta);
  return { ...result, sampler: { ...result.sampler, options: { eta } } };
};
const tableOf = (results: readonly object[], format: 'table' | 'markdown' = 'table') =>
  formatResults(
    { schemaVersion: 1, results: results as Result[], comparisons: [] },
    format,
    EVALUATIONS,
    narrow,
  );
const reportOf = (rows: readonly ResultRow[]): Report => ({
  title: 'report',
  rows,
  differences: differencesWithin(rows, []),
  samples: [],
  published: false,
});

describe('in the table of a run', () => {
  it('rows of several seeds say which, and no more', async () => {
    const table = await tableOf([seeded(1), seeded(2), seeded(1, 'other')]);
    expect(table).toMatch(/^duo +sotu +seed 1 /m);
    expect(table).toMatch(/^duo +sotu +seed 2 /m);
    expect(table).toMatch(/^other +sotu +\d/m);
    for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('sweeps say in which option they differ, in the notes too', async () => {
    const [few, many] = [swept(0.02), swept(0.04)];
    many.metrics.genPpl = { value: null, stderr: null, ci95: null };
    const text = await tableOf([few, many], 'markdown');
    expect(text).toMatch(/\| eta 0.02 \|/);
    expect(text).toMatch(/steps?, eta 0.04: no temperature/);
  });

  it('sweeps are lines of their own on a page', async () => {
    const page = await formatResults(
      { schemaVersion: 1, results: [swept(0.02), swept(0.04)], comparisons: [] },
      'html',
      EVALUATIONS,
    );
    expect(page).toMatch(/steps?, eta 0.02/);
    expect(page).toMatch(/steps?, eta 0.04/);
  });

  it('nothing is added where names do', async () => {
    expect(await tableOf([seeded(1), seeded(2, 'other')], 'markdown')).not.toContain('| with |');
  });
});

describe('in a report', () => {
  const rows = rowsOfResults(
    ['mdlm', 'duo'].flatMap((model) =>
      [0.02, 0.04].flatMap((eta) => [1, 2].map((seed) => drawn(model, eta, seed))),
    ),
  );

  it('generated texts say what differs of sampler and seed', () => {
    const [{ tables }] = sectionsOf(reportOf(rows));
    const place = tables[0].head.findIndex(([title]) => title === 'with');
    expect(tables[0].rows.map((row) => row[place]).slice(0, 4)).toEqual([
      'eta 0.02, seed 1',
      'eta 0.02, seed 2',
      'eta 0.04, seed 1',
      'eta 0.04, seed 2',
    ]);
  });

  it('only rows that differ in one thing are compared, of one seed', () => {
    const differences = differencesWithin(rows, []).filter(({ metric }) => metric === 'genNll');
    const told = differences.map(({ modelA, modelB, apart }) => `${modelA} − ${modelB}: ${apart}`);
    expect(told.sort()).toEqual(
      [
        ...[1, 2].flatMap((seed) => [
          `mdlm − mdlm: eta 0.02 − 0.04, seed ${seed}`,
          `duo − duo: eta 0.02 − 0.04, seed ${seed}`,
        ]),
        ...[1, 2].flatMap((seed) => [0.02, 0.04].map((eta) => `mdlm − duo: eta ${eta}, seed ${seed}`)),
      ].sort(),
    );
  });

  it('models evaluated from different seeds alone are compared all the same', () => {
    const [one] = differencesWithin(rowsOfResults([seeded(1), seeded(2, 'other')]), []);
    expect(one.apart).toBe('seed 1 − 2');
  });
});

describe('a comparison at 80 columns', () => {
  const warm = rowsOfResults([drawn('markov-duo', 0.02, 1)], 'warm.json');
  const cool = rowsOfResults([drawn('markov-duo', 0.04, 1)], 'cool.json');
  const table = formatDifferences(compareRows(warm, cool).differences, 'table', narrow);

  it('breaks names at spaces and cuts none', () => {
    const words = table.split('\n\n')[0].split(/\s+/);
    for (const word of ['markov-duo', 'psi,', 'steps,', 'eta', '0.04', 'nats/token'])
      expect(words).toContain(word);
    expect(table).not.toContain('…');
    for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('has room for a long setting, beneath the data set', () => {
    const heated = (temperature: number) => {
      const result = drawn('markov-duo', 0.02, 1) as { samples: object };
      const sampler = { name: 'ancestral', options: {}, steps: 4 };
      return rowsOfResults([{ ...result, samples: { ...result.samples, sampler, temperature } }]);
    };
    const { differences } = compareRows(heated(1), heated(0.9));
    const tall = formatDifferences(differences, 'table', narrow);
    expect(tall).toContain('temperature');
    expect(tall).toContain('nats/token');
    expect(tall).not.toContain('…');
    for (const line of tall.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('says what a question mark is', () => {
    expect(table).toMatch(/^\? /m);
    expect(table).toContain('? marks a difference without an interval');
  });
});

it('gates name each row, so that no two test cases have one name', () => {
  const record = checkGates(
    gatesOf('  - {metric: ppl, max: 1000}'),
    rowsOfResults([seeded(1), seeded(2)]),
    null,
  );
  const names = [...gateJunit(record).matchAll(/<testcase name="([^"]*)"/g)].map(([, name]) => name);
  expect(names).toEqual([
    'ppl max: duo on sotu, seed 1, ppl ≤ 1000',
    'ppl max: duo on sotu, seed 2, ppl ≤ 1000',
  ]);
});

describe('in tables for programs', () => {
  const settings = { preset: 'remdm-cap', temperature: 1, length: 1024, seed: 1 };

  it('a comparison has the settings of both rows', () => {
    const found = compareRows(
      rowsOfResults([drawn('duo', 0.02, 1)], 'a.json'),
      rowsOfResults([drawn('duo', 0.04, 2)], 'b.json'),
    );
    const [line] = parse(formatDifferences(found.differences, 'csv'), { columns: true }) as Cells[];
    expect(line).toMatchObject({ seed_a: '1', seed_b: '2' });
    expect(JSON.parse(line.settings_a)).toEqual({ ...settings, eta: 0.02 });
    expect(JSON.parse(line.settings_b)).toEqual({ ...settings, eta: 0.04, seed: 2 });
    const [one] = JSON.parse(formatDifferences(found.differences, 'json')).comparisons;
    expect(one).toMatchObject({ settingsA: { eta: 0.02, seed: 1 }, settingsB: { eta: 0.04, seed: 2 } });
  });

  it("a report's line has the sampler's options and the seed of its draws, a sweep's too", () => {
    const lines = parse(reportCsv(rowsOfResults([drawn('duo', 0.02, 3), swept(0.04)])), {
      columns: true,
    }) as Cells[];
    expect(lines[0]).toMatchObject({ sample_seed: '3', samples: '64', sampler: 'psi', steps: '4' });
    expect(JSON.parse(lines[0].sampler_options)).toEqual({ preset: 'remdm-cap', eta: 0.02 });
    const sweep = lines.find((line) => line.eval === 'frontier')!;
    expect(JSON.parse(sweep.sampler_options)).toEqual({ eta: 0.04 });
    expect(sweep).toMatchObject({ length: '128', steps: String(swept(0).sampler.steps), seed: '1' });
  });
});
