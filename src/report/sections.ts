/** A report as titled tables and notes, the common source of markdown and the HTML page. */
import type { NamedDifference } from '../comparison/compared-rows.js';
import { isSignificant } from '../comparison/difference.js';
import { forestsOf, judgedBy, pairOf } from '../comparison/printed-differences.js';
import { columnsOf, type TableColumn } from '../printing/columns.js';
import { markOf } from '../printing/notes.js';
import { intervalOf, valueWithError } from '../printing/numbers.js';
import { distinctionsOf, settingsOf } from '../records/distinctions.js';
import type { Evaluation, ResultRow } from '../records/evaluation.js';
import type { AnyResult } from '../records/record.js';
import { plainText } from '../terminal-text.js';
import { paperSection } from './paper-table.js';
import { environmentsOf, type Report, type Section, type Table } from './report.js';

/** A section for each title that evaluations declare, in the order of the rows; then what no evaluation declares. */
export function sectionsOf(report: Report): Section[] {
  const groups = new Map<string, ResultRow[]>();
  const others: ResultRow[] = [];
  for (const row of report.rows) {
    const title = sectionTitle(row.evaluation);
    if (title === null) others.push(row);
    else groups.set(title, [...(groups.get(title) ?? []), row]);
  }
  const paper = paperSection(report.rows);
  if (report.paper) return paper ? [paper] : [];
  return [
    ...(paper ? [paper] : []),
    ...[...groups].map(([title, rows]) => evaluatedSection(title, rows)),
    { title: 'Other figures', tables: otherTables(others), notes: [] },
    differencesSection(report.differences),
  ].filter(({ tables }) => tables.length > 0);
}

const sectionTitle = (evaluation: Evaluation | null): string | null =>
  evaluation && (evaluation.report?.section ?? evaluation.title);

/** Rows of one section, whose evaluations share its columns by their titles. */
function evaluatedSection(title: string, rows: readonly ResultRow[]): Section {
  const evaluations = [...new Set(rows.flatMap(({ evaluation }) => evaluation ?? []))];
  const declared = evaluations.flatMap(({ report }) => report ?? []);
  return {
    title,
    tables: [sectionTable(rows, evaluations)],
    notes: [...new Set(declared.flatMap(({ notes }) => notes?.(rows) ?? []))],
    plots: declared.find(({ plots }) => plots)?.plots?.(rows) ?? [],
  };
}

type RowColumn = TableColumn<ResultRow>;

/** The columns that identify rows, the settings in which rows differ, then the declared columns. */
function sectionTable(rows: readonly ResultRow[], evaluations: readonly Evaluation[]): Table {
  const [first] = evaluations;
  const [model, dataset] = first.report?.subject ?? ['model', 'data set'];
  const own = new Map(evaluations.map((one) => [one, reportedColumns(one)]));
  const titles = [...new Set([...own.values()].flat().map(({ title }) => title))];
  const columns = titles.map((title): RowColumn => {
    const ofEvaluation = (one: Evaluation) => own.get(one)?.find((column) => column.title === title);
    const shared = evaluations.map(ofEvaluation).find((column) => column !== undefined);
    const cell = ({ evaluation, record }: ResultRow) =>
      (evaluation && ofEvaluation(evaluation)?.cell(record)) ?? '';
    return { title, align: shared?.align ?? 'left', unit: shared?.unit, cell };
  });
  const subjects: RowColumn[] = [
    { title: model, align: 'left', cell: (row) => plainText(row.model) },
    {
      title: dataset,
      align: 'left',
      cell: (row) => plainText(row.evaluation?.report?.place?.(row) ?? row.dataset),
    },
  ];
  const names = [...subjects, ...columns.filter(({ title }) => SETTINGS.has(title))];
  const labelOf = (row: ResultRow) => JSON.stringify(names.map(({ cell }) => cell(row)));
  const settings = distinctionsOf(
    rows,
    labelOf,
    (row) => new Map([...settingsOf(row.record), ['file', row.file]]),
  );
  const told = new Map(rows.map((row, i) => [row, settings[i]]));
  const all: RowColumn[] = [
    ...subjects,
    { title: 'with', align: 'left', cell: (row) => told.get(row) ?? '' },
    ...columns,
  ];
  const known = all.filter(({ cell }) => rows.some((row) => cell(row) !== ''));
  return {
    head: known.map(({ title, align, unit }) => [title, align, unit]),
    rows: rows.map((row) => known.map(({ cell }) => cell(row))),
  };
}

/** Columns that say how a row came about, so that settings need not. */
const SETTINGS = new Set(['draws', 'protocol', 'length', 'samples', 'judge']);

/** Those that it declares for reports, else all of its table but for names. */
function reportedColumns({ columns, report }: Evaluation): readonly TableColumn<AnyResult>[] {
  const all = columns.flatMap(({ table }) => table);
  return report ? columnsOf(all, report.columns) : all.filter(({ isName }) => !isName);
}

function otherTables(rows: readonly ResultRow[]): Table[] {
  if (rows.length === 0) return [];
  return [
    {
      head: [
        ['evaluation', 'left'],
        ['of', 'left'],
        ['on', 'left'],
        ['figure', 'left'],
        ['value', 'right'],
        ['95% interval', 'right'],
      ],
      rows: rows.flatMap((row) =>
        [...row.figures].map(([name, one]) =>
          [row.eval, row.model, row.dataset, name, valueWithError(one), intervalOf(one)].map(plainText),
        ),
      ),
    },
  ];
}

function differencesSection(differences: readonly NamedDifference[]): Section {
  const tilde = differences.some((one) => isSignificant(one) === false);
  const differ = differences.some(({ apart }) => apart);
  const loose = differences.some(({ method }) => method === 'intervals');
  return {
    title: 'Differences',
    forests: forestsOf(differences),
    tables:
      differences.length === 0
        ? []
        : [
            {
              head: [
                ['first − second', 'left'],
                ['on', 'left'],
                ...(differ ? [['with', 'left'] as const] : []),
                ['figure', 'left'],
                ['difference', 'right'],
                ['95% interval', 'right'],
                ['judged by', 'left'],
              ],
              rows: differences.map((one) => [
                pairOf(one),
                plainText(one.dataset),
                ...(differ ? [one.apart ?? ''] : []),
                one.metricName,
                `${markOf({ significant: isSignificant(one) })} ${valueWithError(one)}`.trim(),
                intervalOf(one),
                judgedBy(one),
              ]),
            },
          ],
    notes: [
      ...(tilde ? ['~ marks a difference whose 95% interval holds 0: it may be chance.'] : []),
      ...(differences.length > 1
        ? [
            'Each interval is for itself: of twenty differences that are none, one is expected to look like one.',
          ]
        : []),
      ...(loose
        ? [
            '"intervals": the two count as independent, since their files do not hold the figures of the same sequences or samples.',
          ]
        : []),
    ],
  };
}

export function environmentSection({ rows }: Report): Section {
  const groups = environmentsOf(rows);
  const names = [...new Set(groups.flatMap(({ facts }) => facts.map(([name]) => name)))];
  return {
    title: 'Where it ran',
    tables: [
      {
        head: [['models', 'left'], ...names.map((name) => [name, 'left'] as const)],
        rows: groups.map(({ facts, models }) => [
          plainText(models.join(', ')),
          ...names.map((name) => plainText(new Map(facts).get(name) ?? '')),
        ]),
      },
    ],
    notes: [],
  };
}
