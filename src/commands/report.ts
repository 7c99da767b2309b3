import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, repeatable, string } from '../cli/flags.js';
import { plainText } from '../cli/terminal.js';
import { UsageError } from '../errors.js';

const FORMATS = ['markdown', 'html', 'csv', 'latex', 'lm-eval', 'model-index'] as const;
type ReportFormat = (typeof FORMATS)[number];
const ENDINGS: Record<string, ReportFormat> = {
  '.md': 'markdown',
  '.markdown': 'markdown',
  '.html': 'html',
  '.htm': 'html',
  '.csv': 'csv',
  '.tex': 'latex',
};

export default class Report extends BaseCommand<typeof Report> {
  static override summary = 'Make a page, markdown, CSV … from result files.';
  static override description =
    `Shows tables with intervals, significant differences, plots, where each evaluation ran, how to repeat it, and some texts of samples files. The HTML page is self-contained.

latex is the table of a paper, models by data sets. lm-eval is the format of lm-evaluation-harness, for one model; model-index is YAML for a model card. --json prints all results in one object, with their differences.`;
  static override examples = [
    '<%= config.bin %> report results.json --out report.html',
    '<%= config.bin %> report a.json b.json samples.jsonl --published --out report.html',
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
    published: boolean({ summary: "Add the papers' figures as context." }),
    texts: integer({ min: 0, max: 100, default: 3, summary: 'Texts shown from each samples file.' }),
    title: string({ summary: 'Title of the report.', helpValue: '<text>' }),
    format: choice(FORMATS)({ summary: 'Format to write. [default: by ending, else markdown]' }),
    out: repeatable({
      char: 'o',
      summary: 'Write to this file; .html, .md, .csv or .tex decides the format.',
      helpValue: '<file>',
    }),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const files = args.files ?? [];
    const { checkWritable, replaceFile } = await import('../printing/output.js');
    const out = (flags.out ?? []).map((path) => ({ path, format: flags.format ?? formatOf(path) }));
    checkWritable(out.map(({ path }) => path));
    const { readInputs } = await import('../report/read-inputs.js');
    const { EVALUATIONS } = await import('../evals/registry.js');
    const { differencesWithin } = await import('../report/report.js');
    const { matches } = await import('../comparison/gate/config.js');
    const inputs = await readInputs(files, EVALUATIONS, { texts: flags.texts });
    const chosen = (name: string) => !flags.model || flags.model.some((pattern) => matches(pattern, name));
    const rows = inputs.rows.filter(({ model }) => chosen(model));
    if (inputs.rows.length > 0 && rows.length === 0) throw noSuchModel(flags.model!, inputs.rows); // without --model, all rows are chosen
    const formats = out.length > 0 ? out.map(({ format }) => format) : [flags.format ?? 'markdown'];
    const tellsDifferences =
      this.options.json || formats.some((format) => format === 'markdown' || format === 'html');
    const report = {
      title: flags.title ?? 'duo-eval report',
      rows,
      differences: tellsDifferences ? differencesWithin(rows, inputs.known) : [],
      samples: inputs.samples.filter(({ model }) => chosen(model)),
      published: flags.published,
    };
    for (const { path, format } of out) {
      await replaceFile(path, await written(report, format));
      if (!this.options.json) this.print(plainText(path));
    }
    if (this.options.json) {
      const { comparisonOf } = await import('../comparison/printed-differences.js');
      const comparisons = report.differences.map(comparisonOf);
      this.printJson({ schemaVersion: 1, results: rows.map(({ record }) => record), comparisons });
    } else if (out.length === 0) {
      this.print(await written(report, flags.format ?? 'markdown'));
    }
  }
}

async function written(report: import('../report/report.js').Report, format: ReportFormat): Promise<string> {
  switch (format) {
    case 'html':
      return (await import('../report/page.js')).reportPage(report);
    case 'markdown':
      return (await import('../report/markdown.js')).reportMarkdown(report);
    case 'csv':
      return (await import('../report/csv.js')).reportCsv(report.rows);
    case 'latex': {
      const { paperLatex } = await import('../report/paper-table.js');
      const table = paperLatex(report.rows);
      if (table === null) throw noPaperTable();
      return table;
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
