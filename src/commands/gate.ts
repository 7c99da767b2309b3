import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, repeatable, string } from '../cli/flags.js';
import { GateError, UndecidedError, UsageError } from '../errors.js';

export default class Gate extends BaseCommand<typeof Gate> {
  static override summary = 'Check results against limits, for continuous integration.';
  static override description =
    `A limit passes when the whole 95% interval is on its good side, fails when the whole interval is beyond it, and is undecided in between; the output then says how many more sequences or draws would decide. The exit status is 7 when a limit fails, 8 when none fails and some are undecided; --undecided counts these as passed or failed.

In GitHub Actions a summary and annotations are written, too.`;
  static override examples = [
    '<%= config.bin %> gate --results new.json --config gates.yaml',
    '<%= config.bin %> gate --results new.json --config gates.yaml --junit gates.xml',
    '<%= config.bin %> gate --list --results new.json',
  ];

  static override flags = {
    results: repeatable({
      summary: 'Results to check; repeatable. Needed, but for --list.',
      helpValue: '<file.json>',
    }),
    baseline: repeatable({ summary: 'Results that changes are measured against.', helpValue: '<file.json>' }),
    config: string({ summary: 'File with the limits. Needed, but for --list.', helpValue: '<gates.yaml>' }),
    undecided: choice(['exit', 'pass', 'fail'])({
      default: 'exit',
      summary: 'What undecided limits are: exit status 8, or counted as passed or failed.',
    }),
    list: boolean({
      exclusive: ['config', 'baseline', 'junit'],
      summary: 'List the metrics that a gate can limit, with --results those of its rows, and stop.',
    }),
    format: choice(['table', 'json', 'markdown'])({ summary: 'Format on stdout. [default: table]' }),
    junit: string({ summary: 'Write JUnit XML here.', helpValue: '<file.xml>' }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    if (flags.list) return this.listFigures();
    const { config, results } = flags;
    if (config === undefined || results === undefined)
      throw lacks(config === undefined ? 'config' : 'results');
    const { checkWritable, planOutput, replaceFile } = await import('../printing/output.js');
    const format = planOutput({ format: flags.format, json: flags.json }).stdout;
    if (flags.junit) checkWritable([flags.junit]);
    const { checkGates } = await import('../library/results.js');
    const undecidedAs = flags.undecided === 'exit' ? undefined : flags.undecided;
    const record = await checkGates(config, { results, baseline: flags.baseline, undecidedAs });

    if (flags.junit) {
      const { gateJunit } = await import('../comparison/gate/junit.js');
      await replaceFile(flags.junit, gateJunit(record));
    }
    await this.tellGithub(record, config);
    const { gateMarkdown, gateTable } = await import('../comparison/gate/table.js');
    if (format === 'table') this.print(gateTable(record, this.screen));
    if (format === 'markdown') this.print(gateMarkdown(record));
    await this.end(record, format === 'json');
  }

  private async listFigures(): Promise<void> {
    const { gateableFigures } = await import('../library/results.js');
    const figures = await gateableFigures(this.flags.results);
    if (this.options.json || this.flags.format === 'json')
      return this.printJson({ schemaVersion: 1, figures });
    const { figuresTable } = await import('../comparison/gate/figures.js');
    this.print(figuresTable(figures, this.screen));
  }

  private async tellGithub(
    record: import('../comparison/gate/checks.js').GateRecord,
    config: string,
  ): Promise<void> {
    const { GITHUB_STEP_SUMMARY: summary, GITHUB_ACTIONS: actions } = process.env;
    if (!summary && actions !== 'true') return;
    const { annotations, appendSummary } = await import('../comparison/gate/github.js');
    if (summary) appendSummary(summary, record);
    // The runner reads workflow commands on stderr too; stdout stays data.
    if (actions === 'true') for (const line of annotations(record, config)) process.stderr.write(`${line}\n`);
  }

  private async end(record: import('../comparison/gate/checks.js').GateRecord, json: boolean): Promise<void> {
    const { checkText, verdictText } = await import('../comparison/gate/sentences.js');
    const { THROUGHPUT_RATIO } = await import('../evals/throughput/evaluation.js');
    if (record.verdict === 'pass') {
      if (json) this.printJson({ schemaVersion: 1, ...record });
      return;
    }
    const counted = ({ verdict }: { verdict: string }) =>
      verdict === record.verdict || (verdict === 'undecided' && record.undecidedAs === record.verdict);
    const told = record.checks.filter(counted).map(checkText);
    const message = verdictText(record);
    const details = told.slice(0, 10);
    if (record.verdict === 'fail') {
      throw new GateError(
        {
          code: 'gate-failed',
          message,
          details,
          hint:
            record.failed > 0
              ? 'The whole 95% interval lies beyond the limit.'
              : 'Each of these intervals contains its limit, and --undecided fail counts that as broken.',
        },
        record,
      );
    }
    throw new UndecidedError(
      {
        code: 'gate-undecided',
        message,
        details,
        hint: record.checks.some(
          ({ metric, verdict }) => metric === THROUGHPUT_RATIO && verdict === 'undecided',
        )
          ? 'Time more rounds: bench --against with more --samples, on a machine with nothing else to do.'
          : 'Evaluate more sequences or draws; pairs with the baseline (ppl --by-sequence) need the fewest.',
      },
      record,
    );
  }
}

function lacks(flag: 'config' | 'results'): UsageError {
  return new UsageError({
    code: 'missing-flag',
    message: `duo-eval gate needs --${flag}.`,
    hint: 'For example: duo-eval gate --results new.json --config gates.yaml. duo-eval gate --list shows what can be limited.',
  });
}
