import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { compareRows } from '../../src/comparison/compared-rows.js';
import { REPORT_CSV_HEADER, reportCsv } from '../../src/report/csv.js';
import { lmEvalResults } from '../../src/report/lm-eval.js';
import { reportMarkdown } from '../../src/report/markdown.js';
import { modelIndex } from '../../src/report/model-index.js';
import { differencesWithin, type Report } from '../../src/report/report.js';
import { generatedResult } from '../comparison/generated-rows.js';
import { resultOfNats, rowsOfResults, withoutSequences } from '../comparison/rows.js';
import { benchResult, frontierResult } from '../evals/throughput/bench-sample.js';
import { sampleResult } from '../records/sample.js';

const wave = (shift: number) =>
  Array.from({ length: 40 }, (_, i) => 600 + 90 * Math.sin(3 * i) + shift * (1 + 0.1 * Math.cos(i)));
const GPT2 = '8414cab924d8b9b33013f0d221c5862f365ee9be39c5c2bfae8a5a9e970478a6';
const results = [
  resultOfNats(wave(0), 'duo', 'ptb'),
  resultOfNats(wave(5), 'mdlm', 'ptb'),
  resultOfNats(
    wave(0).map((one, i) => one + Math.sin(17 * i)),
    'duo-2',
    'ptb',
  ),
];
const rows = rowsOfResults([
  ...results,
  generatedResult('duo', 32, 96, 5.57),
  generatedResult('duo', 8, 198, 5.2),
]);
const report = (more: Partial<Report> = {}): Report => ({
  title: 'Ours | theirs',
  rows,
  differences: differencesWithin(rows, []),
  samples: [
    {
      file: 's.jsonl',
      model: 'duo',
      sampling: 'ancestral, 32 steps',
      count: 9,
      texts: ['a ```fence``` and | a pipe'],
    },
  ],
  published: false,
  ...more,
});

describe('a report in markdown', () => {
  const text = reportMarkdown(report());
  it('has the figures with their intervals, and which differences may be chance', () => {
    expect(text).toMatch(/^\| duo \| ptb \| [\d.]+ ± [\d.]+ \| \\\[/m);
    expect(text).toMatch(/^\| duo − mdlm \| ptb \| nats\/text token \| -0\.0\d+ ± /m);
    expect(text).toMatch(/^\| duo − duo-2 \| ptb \| nats\/text token \| ~ /m);
  });

  it('warns where entropies make perplexities incomparable', () => {
    expect(text).toContain('these perplexities do not rank the models');
    const alike = rowsOfResults([generatedResult('a', 8, 90, 5.5), generatedResult('b', 8, 99, 5.55)]);
    expect(reportMarkdown(report({ rows: alike }))).not.toContain('do not rank');
  });

  it('keeps texts and titles from becoming markup', () => {
    expect(text).toContain('# Ours \\| theirs');
    expect(text).toContain('````text\na ```fence``` and | a pipe\n````');
  });

  it('says how to repeat every row', () => {
    expect(text).toMatch(
      /### suite\.yaml\n\n```yaml\nmodels:\n {2}- name: duo\n {4}path: models\/duo\.onnx\n[^`]*ppl:\n {2}seeds:\n {4}- 1\n {2}protocol: duo\n {2}length: 128\n {2}draws: 20\n {2}limit: 64\n/,
    );
    expect(text).toContain(
      'duo-eval gen --judge gpt2-large=gpt2.onnx --context 1024 --protocol duo --seed 1 duo=duo-32.jsonl',
    );
  });

  it('repeats an exact likelihood under its policy, which no published figure compares with', () => {
    const exact = structuredClone(results[0]);
    Object.assign(exact.protocol, { estimator: 'exact', draws: null, seed: 7, likelihood: 'exact' });
    Object.assign(exact.protocol, { policy: 'margin', tokensPerCall: 2, blockSize: null, ties: 'seeded' });
    Object.assign(exact.protocol, { threshold: 0.5, from: 'bos' });
    const own = reportMarkdown(report({ rows: rowsOfResults([exact]), published: true }));
    expect(own).toContain(
      '  seeds:\n    - 7\n  protocol: duo\n  length: 128\n  likelihood:\n    policy: margin\n    tokensPerCall: 2\n    ties: seeded\n    threshold: 0.5\n    from: bos\n  limit: 64\n',
    );
    expect(own).toMatch(/† Does not compare: .*the exact likelihood of a sampler, not the bound/);
  });
});

describe('published figures', () => {
  const text = reportMarkdown(report({ published: true }));
  it('stand beside ours, which are marked with what keeps them apart', () => {
    expect(text).toContain('| Duo, published | 89.35 |');
    expect(text).toContain('| MDLM, run by others | 83.82 |');
    expect(text).toMatch(/^\| duo, here \| [\d.]+ ± [\d.]+ † \|$/m);
    expect(text).toMatch(
      /† Does not compare; where no rows are named, it is all: 128 tokens per sequence, not 1,024 \(.*duo \(ptb\).*\); only 64 sequences \(.*\); split evaluation, not validation \(.*\); tokenizer unknown; training data unknown/,
    );
    expect(text).toContain('| Duo, ancestral, published | 96.19 (5.57) | 198.27 (5.57) |');
    expect(text).toMatch(/^\| duo, ancestral, here \| 96\.00 \(5\.57\) † \| 198\.00 \(5\.20\) † \|$/m);
  });

  it('are not marked where protocol and training data are theirs', () => {
    const ours = structuredClone(results[0]);
    Object.assign(ours.protocol, { length: 1024, tokenizerSha256: GPT2 });
    Object.assign(ours.dataset, { limit: null, split: 'validation' });
    Object.assign(ours.model, { trainedOn: 'OpenWebText' });
    const alike = reportMarkdown(report({ rows: rowsOfResults([ours]), published: true }));
    expect(alike).toMatch(/^\| duo, here \| [\d.]+ ± [\d.]+ \|$/m);
    expect(alike).not.toContain('†');
  });

  it('are left out where the papers have none', () => {
    const none = reportMarkdown(report({ rows: rowsOfResults([sampleResult()]), published: true }));
    expect(none).not.toContain('published');
  });
});

it('a report in CSV is read back figure by figure', () => {
  const lines = parse(reportCsv(rows), { columns: true }) as Record<string, string>[];
  expect(Object.keys(lines[0])).toEqual(REPORT_CSV_HEADER);
  expect(lines).toHaveLength(rows.reduce((sum, { figures }) => sum + figures.size, 0));
  const ppl = lines.find(({ model, metric }) => model === 'mdlm' && metric === 'ppl')!;
  expect(Number(ppl.value)).toBe(results[1].metrics.ppl.value);
  expect(Number(ppl.ci95_high)).toBe(results[1].metrics.ppl.ci95![1]);
  const distinct = lines.find(({ metric }) => metric === 'distinct2')!;
  expect(distinct).toMatchObject({ stderr: '', steps: '32', draws: '', judge: 'gpt2-large' });
});

describe('the form of lm-evaluation-harness', () => {
  it('has a task a data set with its figures, errors and counts', () => {
    const form = lmEvalResults(rowsOfResults([results[0]])) as Record<
      string,
      Record<string, Record<string, unknown>>
    >;
    expect(form.results.duo_eval_ptb).toMatchObject({
      alias: 'duo_eval_ptb',
      'perplexity,none': results[0].metrics.ppl.value,
      'perplexity_stderr,none': results[0].metrics.ppl.stderr,
      'bits_per_byte,none': results[0].metrics.bitsPerByte.value,
    });
    for (const part of ['configs', 'versions', 'n-shot', 'higher_is_better', 'n-samples', 'group_subtasks'])
      expect(Object.keys(form[part])).toEqual(['duo_eval_ptb']);
    expect(form['n-samples'].duo_eval_ptb).toEqual({ original: 1458, effective: 40 });
    expect(form.higher_is_better.duo_eval_ptb).toEqual({
      perplexity: false,
      nll: false,
      bits_per_byte: false,
    });
  });

  it('is of one model, and of a task once', () => {
    expect(() => lmEvalResults(rows)).toThrow('is of one model');
    expect(() => lmEvalResults(rowsOfResults([results[0], results[0]]))).toThrow(
      'two results of duo_eval_ptb',
    );
  });
});

it('the model index is YAML of a model, its data sets and their figures', () => {
  const { 'model-index': index } = parseYaml(modelIndex(rows)) as {
    'model-index': {
      name: string;
      results: {
        task: object;
        dataset: { type: string; name: string };
        metrics: { type: string; value: number }[];
      }[];
    }[];
  };
  expect(index.map(({ name }) => name)).toEqual(['duo', 'mdlm', 'duo-2']);
  const [first] = index[0].results;
  expect(first).toMatchObject({
    task: { type: 'text-generation' },
    dataset: { type: 'ptb', name: 'ptb', split: 'evaluation' },
  });
  expect(first.metrics.map(({ type }) => type)).toEqual(['perplexity', 'bits_per_byte']);
  expect(first.metrics[0].value).toBeCloseTo(results[0].metrics.ppl.value!, 2);
});

it('a file’s own paired comparison is used where its rows hold no sequences', () => {
  const loose = rowsOfResults([results[0], results[1]].map(withoutSequences), 'r.json');
  const known = {
    file: 'r.json',
    a: 'duo',
    b: 'mdlm',
    dataset: 'ptb',
    deltaNll: -0.04,
    stderr: 0.001,
    ci95: [-0.042, -0.038],
  };
  expect(differencesWithin(loose, [])[0]).toMatchObject({ method: 'intervals' });
  expect(differencesWithin(loose, [known])[0]).toMatchObject({
    method: 'paired',
    value: -0.04,
    stderr: 0.001,
  });
  expect(differencesWithin(loose, [{ ...known, file: 'other.json' }])[0]).toMatchObject({
    method: 'intervals',
  });
});

describe('rows of bench and frontier', () => {
  const bench = (model: string, steps: number, speed: number) => ({
    ...generatedResult(model, steps, 100 + steps, 5.5),
    eval: 'bench',
    throughput: {
      ...benchResult().throughput,
      tokensPerSecond: { value: speed, ci95: [speed * 0.9, speed * 1.1] },
    },
  });
  const frontier = {
    ...frontierResult('duo', 90),
    sampler: { name: 'ancestral', options: {}, steps: 8 },
    metrics: { genPpl: { value: 90, stderr: 3, ci95: [84, 96] } },
    target: { entropy: 5.4, dataset: null },
    temperature: 0.93,
    tokensPerSecond: 3000,
    nfe: null,
  };

  it('have their speed, and their place at a matched entropy', () => {
    const text = reportMarkdown(
      report({ rows: rowsOfResults([bench('duo', 8, 5000), frontier]), differences: [] }),
    );
    expect(text).toMatch(/^\| duo \| ancestral, 8 steps \| 108\.0 ± 2\.2 \|.*\| 5000\.?0* \|/m);
    expect(text).toMatch(
      /^\| duo \| ancestral, 8 steps \| 90\.0 ± 3\.0 \| .* \| 5\.400 \| 0\.9300 \| 3000\.?0* \| yes \|$/m,
    );
  });

  it('are compared in speed on one machine only', () => {
    const other = {
      ...bench('duo', 8, 4000),
      environment: { ...benchResult().environment, cpu: 'another' },
    };
    const here = {
      ...bench('duo', 8, 5000),
      environment: { ...benchResult().environment, cpu: 'this one' },
    };
    expect(() => compareRows(rowsOfResults([here]), rowsOfResults([other]))).toThrow(
      'environment.cpu is this one and another',
    );
    const again = { ...bench('duo', 8, 4000), environment: here.environment };
    const speed = compareRows(rowsOfResults([here]), rowsOfResults([again])).differences.find(
      ({ metric }) => metric === 'tokensPerSecond',
    )!;
    expect(speed.value).toBe(1000);
    expect(speed.ci95![0]).toBeLessThan(1000);
  });
});
