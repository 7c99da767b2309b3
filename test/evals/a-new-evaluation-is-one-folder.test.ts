/** src/records/evaluation.ts: what an evaluation declares is found in every printer, reader and comparison. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { compareRows } from '../../src/comparison/compared-rows.js';
import { checkGates } from '../../src/comparison/gate/checks.js';
import { formatDifferences } from '../../src/comparison/printed-differences.js';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { type Column, figure, text } from '../../src/printing/columns.js';
import { formatResults } from '../../src/printing/formats.js';
import { environmentColumns } from '../../src/records/environment-columns.js';
import { type Evaluation, Evaluations } from '../../src/records/evaluation.js';
import { part, sampledFigureIn } from '../../src/records/figures.js';
import { RANGES } from '../../src/records/plausible.js';
import { environmentRecord, modelRecord, resultsFile } from '../../src/records/record.js';
import { parseResults, resultsJsonSchema } from '../../src/records/results-file.js';
import { rowsOf } from '../../src/records/rows.js';
import { lmEvalResults } from '../../src/report/lm-eval.js';
import { reportMarkdown } from '../../src/report/markdown.js';
import { modelIndex } from '../../src/report/model-index.js';
import { reportPage } from '../../src/report/page.js';
import { differencesWithin, type Report } from '../../src/report/report.js';
import { gatesOf } from '../comparison/gates.js';
import { sampleResult } from '../records/sample.js';

/** Questions with one right answer: the whole of a folder of an evaluation. */
const choiceRecord = part({
  eval: z.literal('choice'),
  model: modelRecord,
  dataset: part({ name: z.string() }),
  protocol: part({ name: z.string(), shots: z.int() }),
  metrics: part({ accuracy: sampledFigureIn(RANGES.share).describe('Share of questions answered rightly.') }),
  environment: environmentRecord,
});
type ChoiceResult = z.infer<typeof choiceRecord>;

const columns: readonly Column<ChoiceResult>[] = [
  text('eval', (result) => result.eval),
  text('model', ({ model }) => model.name, { title: 'model', isName: true }),
  text('questions', ({ dataset }) => dataset.name, { title: 'questions', isName: true }),
  figure('accuracy', ({ metrics }) => metrics.accuracy, {
    ...{ title: 'accuracy', unit: 'share of questions', interval: 'interval of accuracy' },
  }),
  ...environmentColumns,
];

const CHOICE: Evaluation<ChoiceResult> = {
  name: 'choice',
  title: 'Choice among answers',
  unit: 'question',
  record: choiceRecord,
  columns,
  notes: (results) => [`Asked with ${results[0].protocol.shots} examples before each question.`],
  plots: (results) => [
    {
      title: 'Accuracy of models',
      plot: {
        x: { title: 'examples', scale: 'linear' },
        y: { title: 'accuracy', scale: 'linear' },
        points: results.map(({ model, protocol, metrics }) => ({
          x: protocol.shots,
          xInterval: null,
          y: metrics.accuracy.value ?? Number.NaN,
          yInterval: metrics.accuracy.ci95,
          series: model.name,
          label: model.name,
          details: [],
          onFront: false,
        })),
        caption: 'Up is better.',
      },
    },
  ],
  figures: {
    accuracy: {
      title: 'right answers',
      lmEval: ['acc', true],
      modelIndex: { type: 'accuracy', name: 'Accuracy' },
    },
  },
};

const evaluations = new Evaluations([...EVALUATIONS.all, CHOICE]);
const result = (name: string, value: number): ChoiceResult => ({
  eval: 'choice',
  model: { name, family: 'duo', sha256: null, path: `${name}.onnx` },
  dataset: { name: 'arc' },
  protocol: { name: 'duo', shots: 5 },
  metrics: { accuracy: { value, stderr: 0.01, ci95: [value - 0.02, value + 0.02] } },
  environment: sampleResult().environment,
});
const file = () => resultsFile([result('duo', 0.71), result('mdlm', 0.64)]);
const rows = (value = 0.71, name = 'r.json') => {
  const content = JSON.stringify(resultsFile([result('duo', value)]));
  return rowsOf(parseResults(content, name, evaluations, { allowUnknown: true }), name, evaluations);
};
const report = (): Report => {
  const all = rowsOf(
    parseResults(JSON.stringify(file()), 'r.json', evaluations, { allowUnknown: true }),
    'r.json',
    evaluations,
  );
  const differences = differencesWithin(all, []);
  return { title: 'Toy', rows: all, differences, samples: [], published: false };
};

describe('an evaluation that is declared once', () => {
  it('is in the table, with its notes', async () => {
    const table = await formatResults(file(), 'table', evaluations, { width: 80, color: false });
    expect(table).toMatch(/^model +questions +accuracy +interval of accuracy$/m);
    expect(table).toMatch(/^mdlm +arc +0\.640 ± 0\.010 +\[0\.62, 0\.66\]$/m);
    expect(table).toContain('Asked with 5 examples before each question.');
  });

  it('is in the CSV, where a figure has its parts', async () => {
    const [row] = parse(await formatResults(file(), 'csv', evaluations), { columns: true }) as object[];
    expect(row).toMatchObject({ eval: 'choice', questions: 'arc', accuracy: '0.71', provider: 'cpu' });
    expect(row).toMatchObject({ accuracy_stderr: '0.01', accuracy_ci95_low: '0.69' });
  });

  it('shares a CSV with the evaluations that there are', async () => {
    const mixed = { ...file(), results: [sampleResult(), result('duo', 0.7)] };
    const cells = parse(await formatResults(mixed, 'csv', evaluations), { columns: true }) as {
      ppl: string;
      accuracy: string;
    }[];
    expect(cells.map(({ ppl, accuracy }) => [ppl === '', accuracy === ''])).toEqual([
      [false, true],
      [true, false],
    ]);
  });

  it('is in markdown and on a page, with its title, unit and plot', async () => {
    expect(await formatResults(file(), 'markdown', evaluations)).toMatch(
      /^\| duo \| arc \| 0\.710 ± 0\.010 \|/m,
    );
    const page = await formatResults(file(), 'html', evaluations);
    expect(page).toContain('<h1>Choice among answers</h1>');
    expect(page).toContain('title="share of questions">accuracy</th>');
    expect(page).toMatch(/<h2>Accuracy of models<\/h2><figure class="plot">/);
  });

  it('is in the JSON schema, and is read back by it', async () => {
    const validate = new Ajv2020({ strict: false }).compile(resultsJsonSchema(evaluations));
    const json = await formatResults(file(), 'json', evaluations);
    expect(validate(JSON.parse(json)), JSON.stringify(validate.errors)).toBe(true);
    expect(new Ajv2020({ strict: false }).compile(resultsJsonSchema(EVALUATIONS))(JSON.parse(json))).toBe(
      false,
    );
    expect(parseResults(json, 'r.json', evaluations)).toEqual(file());
    const impossible = json.replace('0.71', '1.71');
    expect(() => parseResults(impossible, 'r.json', evaluations)).toThrow(
      /accuracy\.value: a share is at least 0/,
    );
  });

  it('has a section in a report, and its differences', () => {
    const markdown = reportMarkdown(report());
    expect(markdown).toContain('## Choice among answers');
    expect(markdown).toMatch(/^\| duo \| arc \| 0\.710 ± 0\.010 \|/m);
    expect(markdown).toMatch(/^\| duo − mdlm \| arc \| right answers \| 0\.070 ± 0\.014 \|/m);
    expect(reportPage(report())).toContain('<section id="choice-among-answers">');
  });

  it('has its name in lm-evaluation-harness and in a model card', () => {
    expect(lmEvalResults(rows())).toMatchObject({
      results: { duo_eval_choice_arc: { 'acc,none': 0.71, 'acc_stderr,none': 0.01 } },
      higher_is_better: { duo_eval_choice_arc: { acc: true } },
    });
    expect(modelIndex(rows())).toContain('type: accuracy');
  });

  it('is compared, and held to limits in its own unit', () => {
    const { differences } = compareRows(rows(0.71, 'a.json'), rows(0.64, 'b.json'));
    expect(formatDifferences(differences, 'markdown')).toMatch(/\| right answers \| 0\.070 ± 0\.014 \|/);
    const [pass, undecided] = checkGates(
      gatesOf('- {metric: accuracy, min: 0.6}\n- {metric: accuracy, min: 0.7}'),
      rows(),
      null,
    ).checks;
    expect(pass.verdict).toBe('pass');
    expect(undecided.verdict).toBe('undecided');
  });
});

describe('the columns of every evaluation', () => {
  it.each(EVALUATIONS.all.map((one) => [one.name, one] as const))(
    'of %s are those that its tables and reports name, each title once',
    (_name, { columns: declared, table, report: reported }) => {
      const titles = declared.flatMap((column) => column.table.map(({ title }) => title));
      expect(new Set(titles).size).toBe(titles.length);
      const named = [...(table?.essential ?? []), ...(table?.further ?? []), ...(reported?.columns ?? [])];
      expect(named.filter((title) => !titles.includes(title))).toEqual([]);
      const keys = declared.flatMap((column) => column.csv.map(({ key }) => key));
      expect(new Set(keys).size).toBe(keys.length);
    },
  );
});
