import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../src/errors.js';
import { mergeFiles } from '../../src/evals/merged-files.js';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { parseResults, readResults } from '../../src/records/results-file.js';
import { readRows } from '../../src/records/rows.js';
import { resultOfNats } from '../comparison/rows.js';
import { generativeResult } from '../evals/generation/generative-sample.js';
import { benchResult, frontierResult } from '../evals/throughput/bench-sample.js';
import { temporaryFolder } from '../support/folder.js';
import { SAMPLE_COMPARISONS, sampleResult } from './sample.js';

// biome-ignore lint/suspicious/noExplicitAny: it is spoilt at any place
type Tree = Record<string, any>;
const folder = temporaryFolder();
const sound = () =>
  structuredClone({
    schemaVersion: 1,
    results: [
      sampleResult(),
      resultOfNats([500, 510, 520, 490]),
      generativeResult(),
      benchResult(),
      frontierResult(),
      { eval: 'later', model: { name: 'm' }, metrics: { ppl: { value: 5, stderr: 1, ci95: [3, 8] } } },
    ] as Tree[],
    comparisons: SAMPLE_COMPARISONS,
  }) as Tree;
const spoilt = (spoil: (file: Tree) => unknown) => {
  const file = sound();
  spoil(file);
  return JSON.stringify(file);
};

it('a file of every evaluation is read', () => {
  expect(
    parseResults(JSON.stringify(sound()), 'r.json', EVALUATIONS, { allowUnknown: true }).results,
  ).toHaveLength(6);
});

describe('a row that cannot be is refused with its place', () => {
  const metrics = (file: Tree, row = 0) => file.results[row].metrics;
  it.each<[string, (file: Tree) => unknown, RegExp]>([
    [
      'a perplexity below 0',
      (f) => (metrics(f).ppl.value = -5),
      /results\.0\.metrics\.ppl\.value: a perplexity is above 0, and not -5\.$/,
    ],
    [
      'a backward interval',
      (f) => (metrics(f).ppl.ci95 = [900, 10]),
      /results\.0\.metrics\.ppl\.ci95: an interval starts at its lower end/,
    ],
    [
      'an interval that does not hold its value',
      (f) => (metrics(f).nll.ci95 = [1, 2]),
      /results\.0\.metrics\.nll\.ci95: the interval \[1, 2\] does not hold the value 4\.9/,
    ],
    [
      'a negative error',
      (f) => (metrics(f).nll.stderr = -1),
      /results\.0\.metrics\.nll\.stderr: a standard error is never below 0/,
    ],
    [
      'a negative error of draws',
      (f) => (metrics(f).nll.mcStderr = -1),
      /results\.0\.metrics\.nll\.mcStderr/,
    ],
    [
      'a loss past all losses',
      (f) => Object.assign(metrics(f).nll, { value: -1e308, ci95: null }),
      /results\.0\.metrics\.nll\.value: a loss is at least/,
    ],
    [
      'a perplexity that is not exp(nll)',
      (f) => Object.assign(metrics(f).ppl, { value: 9, ci95: null }),
      /results\.0\.metrics\.ppl\.value: 9 is not exp\(nll\)/,
    ],
    ['no figures', (f) => (f.results[1].metrics = {}), /results\.1\.metrics\.ppl: it is missing\.$/],
    [
      'a sequence of too great a loss',
      (f) => (f.results[1].sequences.nats[2] = -1e308),
      /results\.1\.sequences\.nats\.2: a loss/,
    ],
    [
      'half a token',
      (f) => (f.results[1].sequences.textTokens[0] = 0.5),
      /results\.1\.sequences\.textTokens\.0: a count/,
    ],
    [
      'columns of different lengths',
      (f) => f.results[1].sequences.tokens.pop(),
      /results\.1\.sequences: its columns/,
    ],
    [
      'a share past 1',
      (f) => (metrics(f, 2).distinct1.value = 1.5),
      /results\.2\.metrics\.distinct1\.value: a share/,
    ],
    [
      'a speed of 0',
      (f) => Object.assign(f.results[3].throughput.tokensPerSecond, { value: 0, ci95: null }),
      /results\.3\.throughput\.tokensPerSecond\.value: a speed/,
    ],
    [
      'a sweep of negative perplexity',
      (f) => (f.results[4].points[1].genPpl.value = -1),
      /results\.4\.points\.1\.genPpl/,
    ],
    [
      'another evaluation of negative perplexity',
      (f) => (metrics(f, 5).ppl.value = -5),
      /results\.5\.metrics\.ppl\.value/,
    ],
    [
      'another evaluation of a backward interval',
      (f) => (metrics(f, 5).ppl.ci95 = [8, 3]),
      /results\.5\.metrics\.ppl\.ci95/,
    ],
    ['a difference outside its interval', (f) => (f.comparisons[1].deltaNll = 7), /comparisons\.1\.ci95/],
  ])('%s', (_what, spoil, says) => {
    expect(() => parseResults(spoilt(spoil), 'r.json', EVALUATIONS, { allowUnknown: true })).toThrow(says);
    expect(() => parseResults(spoilt(spoil), 'r.json', EVALUATIONS, { allowUnknown: true })).toThrow(
      FileError,
    );
  });
});

it('a figure interpolated at the edge of its sweep need not lie in its interval', () => {
  const text = spoilt((file) => (file.results[4].metrics.genPpl.value = 700));
  expect(parseResults(text, 'r.json', EVALUATIONS, { allowUnknown: true }).results).toHaveLength(6);
});

describe('every reader of results', () => {
  const readers: [string, (path: string) => unknown][] = [
    ['of rows', (path) => readRows(path, EVALUATIONS)],
    ['of whole files', (path) => readResults(path, EVALUATIONS)],
    ['of parts', (path) => mergeFiles([path])],
  ];

  it.each(readers)('%s refuses what is not UTF-8', (_name, read) => {
    const bytes = Buffer.from(JSON.stringify(sound()).replace('"duo"', '"d?o"'));
    bytes[bytes.indexOf('d?o') + 1] = 0xff;
    const path = folder.file('latin1.json', bytes);
    expect(() => read(path)).toThrow(/latin1\.json is not JSON that can be used: it is not UTF-8 text\.$/);
  });

  it.each(readers)('%s quotes nothing of a file that is none of ours', (_name, read) => {
    const path = folder.file('secret.json', 'user:secret-word:0:0\n');
    expect(() => read(path)).toThrow(/is not JSON/);
    expect(() => read(path)).not.toThrow(/secret-word|user/);
  });

  it.each(readers)('%s waits for no pipe and reads no folder', (_name, read) => {
    const fifo = folder.path('fifo');
    execFileSync('sh', ['-c', 'test -p "$0" || mkfifo "$0"', fifo]);
    mkdirSync(folder.path('inner'), { recursive: true });
    expect(() => read(fifo)).toThrow(/fifo cannot be read: it is a named pipe, not a regular file\.$/);
    expect(() => read(folder.path('inner'))).toThrow(/it is a folder/);
    expect(() => read(folder.path('none.json'))).toThrow(
      /none\.json cannot be read: there is no such file or folder\.$/,
    );
  });
});

describe('a file of too much', () => {
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]));
  it.each<[string, (file: Tree) => unknown, RegExp]>([
    [
      'keys of a row',
      (f) => Object.assign(f.results[0], many),
      /one object of it has 1000\d\d keys, and may have 1000\.$/,
    ],
    ['keys of an environment', (f) => Object.assign(f.results[0].environment, many), /and may have 1000\.$/],
    ['rows', (f) => (f.results = Array(10_001).fill(null)), /holds 10001 results, and may hold 10000\.$/],
  ])('too many %s are refused', (_what, spoil, says) => {
    const path = folder.path('many.json');
    writeFileSync(path, spoilt(spoil));
    expect(() => readRows(path, EVALUATIONS)).toThrow(says);
  });
});

it('a rounded file is read', () => {
  const text = JSON.stringify(sound(), (_key, value) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value,
  );
  expect(
    parseResults(
      spoilt((f) => f.results.pop()),
      'r.json',
      EVALUATIONS,
    ).results,
  ).toHaveLength(5);
  expect(parseResults(text, 'r.json', EVALUATIONS, { allowUnknown: true }).results).toHaveLength(6);
});
