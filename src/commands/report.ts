import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, repeatable, string } from '../cli/flags.js';
import { plainText } from '../cli/terminal.js';
import { UsageError } from '../errors.js';

const FORMATS = ['table', 'markdown', 'html', 'csv', 'latex', 'suite', 'lm-eval', 'model-index'] as const;
type ReportFormat = (typeof FORMATS)[number];
const ENDINGS: Record<string, ReportFormat> = {
  '.md': 'markdown',
  '.markdown': 'markdown',
  '.html': 'html',
  '.htm': 'html',
  '.csv': 'csv',
  '.tex': 'latex',
  '.txt': 'table',
  '.yaml': 'suite',
  '.yml': 'suite',
};

export default class Report extends BaseCommand<typeof Report> {
  static override summary = 'Make a page, markdown, CSV … from result files.';
  static override description =
    `Shows tables with intervals, significant differences, plots, where each evaluation ran, how to repeat it, and some texts of samples files. The HTML page is self-contained.

--paper gives the table of a paper alone, models by data sets, in every format; table (for a terminal) and latex are always that. suite is a file that duo-eval run takes and that gives the same figures. lm-eval is the format of lm-evaluation-harness, for one model; model-index is YAML for a model card. --json prints all results in one object, with their differences.`;
  static override examples = [
    '<%= config.bin %> report results.json --out report.html',
    '<%= config.bin %> report a.json b.json samples.jsonl --published --out report.html',
    '<%= config.bin %> report a.json b.json --paper',
    '<%= config.bin %> report results.json --out suite.yaml',
    '<%= config.bin %> report results.json --model duo --format model-index',
  ];

  static override args = {
    files: argument({
      multiple: true,
      required: true,
      description: 'Result files (JSON) and samples files.',
    }),
  };

  static override flags = {
    model: repeatable({
      char: 'm',
      summary: 'Only these models; * matches anything. Repeatable.',
      helpValue: '<name>',
    }),
    paper: boolean({
      summary: 'Only the table of a paper: models by data sets, with intervals, best and ties.',
    }),
    published: boolean({ summary: "Add the papers' figures as context." }),
    texts: integer({ min: 0, max: 100, default: 3, summary: 'Texts shown from each samples file.' }),
    title: string({ summary: 'Title of the report.', helpValue: '<text>' }),
    format: choice(FORMATS)({
      summary: 'Format to write. [default: by ending, else markdown, with --paper table]',
    }),
    out: repeatable({
      char: 'o',
      summary: 'Write to this file; .html, .md, .csv, .tex, .txt or .yaml decides the format.',
      helpValue: '<file>',
    }),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const files = args.files ?? [];
    const { checkWritable, replaceFile } = await import('../printing/output.js');
    const out = (flags.out ?? []).map((path) => ({ path, format: flags.format ?? formatOf(path) }));
    const formats =
      out.length > 0
        ? out.map(({ format }) => format)
        : [flags.format ?? (flags.paper ? 'table' : 'markdown')];
    if (flags.paper) checkPaper(this.options.json ? ['json'] : formats);
    checkWritable(out.map(({ path }) => path));
    const { readInputs } = await import('../report/read-inputs.js');
    const { EVALUATIONS } = await import('../evals/registry.js');
    const { differencesWithin } = await import('../report/report.js');
    const { matches } = await import('../comparison/gate/config.js');
    const inputs = await readInputs(files, EVALUATIONS, { texts: flags.texts });
    const chosen = (name: string) => !flags.model || flags.model.some((pattern) => matches(pattern, name));
    const rows = inputs.rows.filter(({ model }) => chosen(model));
    if (inputs.rows.length > 0 && rows.length === 0) throw noSuchModel(flags.model!, inputs.rows); // without --model, all rows are chosen
    const tellsDifferences =
      this.options.json ||
      (!flags.paper && formats.some((format) => format === 'markdown' || format === 'html'));
    const report = {
      title: flags.title ?? 'duo-eval report',
      rows,
      differences: tellsDifferences ? differencesWithin(rows, inputs.known) : [],
      samples: flags.paper ? [] : inputs.samples.filter(({ model }) => chosen(model)),
      published: flags.published && !flags.paper,
      paper: flags.paper,
    };
    for (const { path, format } of out) {
      const files =
        format === 'suite' ? await suitesOf(rows, path) : [{ path, text: await written(report, format) }];
      for (const file of files) {
        await replaceFile(file.path, file.text);
        if (!this.options.json) this.print(plainText(file.path));
      }
    }
    if (this.options.json) {
      const { comparisonOf } = await import('../comparison/printed-differences.js');
      const comparisons = report.differences.map(comparisonOf);
      this.printJson({ schemaVersion: 1, results: rows.map(({ record }) => record), comparisons });
    } else if (out.length === 0) {
      this.print(await written(report, formats[0], this.screen));
    }
  }
}

async function written(
  report: import('../report/report.js').Report,
  format: ReportFormat,
  screen?: import('../printing/formats.js').Screen,
): Promise<string> {
  const paper = await import('../report/paper-table.js');
  if (report.paper && paper.paperSection(report.rows) === null) throw noPaperTable();
  switch (format) {
    case 'html':
      return (await import('../report/page.js')).reportPage(report);
    case 'markdown':
      return (await import('../report/markdown.js')).reportMarkdown(report);
    case 'csv':
      if (report.paper) return paper.paperCsv(report.rows) ?? '';
      return (await import('../report/csv.js')).reportCsv(report.rows);
    case 'table':
    case 'latex': {
      const table = format === 'latex' ? paper.paperLatex(report.rows) : paper.paperText(report.rows, screen);
      if (table === null) throw noPaperTable();
      return table;
    }
    case 'suite': {
      const [suite, ...others] = await suitesOf(report.rows, 'suite.yaml');
      if (others.length > 0) throw severalSuites(others.length + 1);
      return suite.text;
    }
    case 'lm-eval': {
      const { lmEvalResults } = await import('../report/lm-eval.js');
      const { escapedJson } = await import('../printing/json.js');
      return `${escapedJson(JSON.stringify(lmEvalResults(report.rows), null, 2))}\n`;
    }
    case 'model-index':
      return (await import('../report/model-index.js')).modelIndex(report.rows);
    default:
      throw new TypeError(`No report as ${format satisfies never}`);
  }
}

function formatOf(path: string): ReportFormat {
  const format = ENDINGS[/\.[^./\\]*$/.exec(path)?.[0].toLowerCase() ?? ''];
  if (format) return format;
  throw new UsageError({
    code: 'unknown-ending',
    message: `The ending of --out ${path} does not say which format it should have.`,
    hint: `End it with one of ${Object.keys(ENDINGS).join(', ')}, or give --format.`,
  });
}

/** @throws UsageError where no suite gives any of the rows */
async function suitesOf(rows: readonly import('../records/evaluation.js').ResultRow[], path: string) {
  const { repetitionOf, suiteFiles } = await import('../report/repetition.js');
  const files = suiteFiles(rows, path);
  if (files.length > 0) return files;
  throw new UsageError({
    code: 'no-suite',
    message: `No suite gives these rows: ${repetitionOf(rows)
      .others.map(({ why }) => why)
      .join('; ')}.`,
    hint: 'The section "How to repeat it" of --format markdown has the commands that do.',
  });
}

function severalSuites(count: number): UsageError {
  return new UsageError({
    code: 'several-suites',
    message: `These rows differ in what one suite says once, so they take ${count} suite files.`,
    hint: 'Write them with --out suite.yaml: the others become suite-2.yaml and so on.',
  });
}

/** @throws UsageError for a format that has no place for the table */
function checkPaper(formats: readonly string[]): void {
  const other = formats.find((format) => ['json', 'suite', 'lm-eval', 'model-index'].includes(format));
  if (other === undefined) return;
  throw new UsageError({
    code: 'contradicting-formats',
    message: `--paper is a table, and ${other} is none.`,
    hint: 'Give --format table, markdown, csv, latex or html with it; or leave --paper out.',
  });
}

function noPaperTable(): UsageError {
  return new UsageError({
    code: 'no-paper-table',
    message: 'A table for a paper needs perplexities of two models.',
    hint: 'Give results of duo-eval ppl, of several files if need be.',
  });
}

function noSuchModel(patterns: readonly string[], rows: readonly { model: string }[]): UsageError {
  return new UsageError({
    code: 'no-such-model',
    message: `There is no result of ${patterns.join(', ')}.`,
    hint: `There are results of ${[...new Set(rows.map(({ model }) => model))].join(', ')}.`,
  });
}
