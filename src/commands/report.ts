import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, repeatable, string } from '../cli/flags.js';
import { plainText } from '../cli/terminal.js';
import { UsageError } from '../errors.js';

const FORMATS = ['markdown', 'html', 'csv', 'lm-eval', 'model-index'] as const;
type ReportFormat = (typeof FORMATS)[number];
const ENDINGS: Record<string, ReportFormat> = {
  '.md': 'markdown',
  '.markdown': 'markdown',
  '.html': 'html',
  '.htm': 'html',
  '.csv': 'csv',
};

export default class Report extends BaseCommand<typeof Report> {
  static override summary = 'Tell results to others: a page, markdown, CSV, or another tool’s form.';
  static override description =
    'Of one or many result files: tables with intervals, which differences are significant, plots, where it ran and how ' +
    'to repeat it; of samples files, some texts. The page is one file that refers to nothing outside itself.\n\n' +
    'lm-eval is the form of lm-evaluation-harness, of one model; model-index is YAML for a model card. With --json all ' +
    'results are printed as one, with their differences.';
  static override examples = [
    '<%= config.bin %> report results.json --out report.html',
    '<%= config.bin %> report a.json b.json samples.jsonl --published --out report.html',
    '<%= config.bin %> report results.json --model duo --format model-index',
  ];

  static override args = {
    files: argument({ multiple: true, required: true, description: 'Results in JSON, and samples files.' }),
  };

  static override flags = {
    model: repeatable({ summary: 'Only these models; * is anything.', helpValue: '<name>' }),
    published: boolean({ summary: "Set the papers' figures beside, as context." }),
    texts: integer({ min: 0, max: 100, default: 3, summary: 'Texts shown of each samples file.' }),
    title: string({ summary: 'Title of the report.', helpValue: '<text>' }),
    format: choice(FORMATS)({ summary: 'What to write. [default: markdown, or by ending]' }),
    out: repeatable({ summary: 'Write it here; .html, .md or .csv tells the format.', helpValue: '<file>' }),
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
    if (inputs.rows.length > 0 && rows.length === 0) throw noSuchModel(flags.model!, inputs.rows);
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

function noSuchModel(patterns: readonly string[], rows: readonly { model: string }[]): UsageError {
  return new UsageError({
    code: 'no-such-model',
    message: `No result is of ${patterns.join(', ')}.`,
    hint: `There are results of ${[...new Set(rows.map(({ model }) => model))].join(', ')}.`,
  });
}
