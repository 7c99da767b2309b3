/**
 * What an evaluation declares of its results, once: the schema of its record, its columns, its figures, its notes. Tables, CSV,
 * markdown, pages, reports, comparisons, gates and the JSON schema are derived from it.
 */
import type { z } from 'zod';
import { UsageError } from '../errors.js';
import { type Column, columnSet, columnsOf, type TableOrder } from '../printing/columns.js';
import type { ScatterPlot } from '../printing/html/scatter-plot.js';
import type { AnyFigure, TextSampling } from './figures.js';
import type { Range } from './plausible.js';
import type { AnyResult, Comparison } from './record.js';

export interface Evaluation<R extends AnyResult = AnyResult> {
  /** Value of `eval` in its records. */
  readonly name: R['eval'];
  /** The unit that the errors of its figures are over: `sequence`, `sample`. */
  readonly unit: string;
  /** Whether its figures are of given text; by default they are of sampled texts. */
  readonly scoresText?: boolean;
  /** Heading of its tables. */
  readonly title: string;
  /** Title of a page whose first result is one of these; by default the heading. */
  readonly pageTitle?: string;
  /** Schema of a record; the type of the results is inferred from it. */
  readonly record: z.ZodType<R>;
  /** In CSV order. New columns are only added at the end. */
  readonly columns: readonly Column<R>[];
  /** The order in which a person reads them; by default that of the CSV. */
  readonly table?: TableOrder<R>;
  /** The label of a row; by default the names in its table. Rows of one label show the settings in which they differ. */
  label?(result: R): string;
  /** The lines under a table, one paragraph per entry, plain text: how the figures came about, what must not be overlooked. */
  notes?(results: readonly R[], told: NoteContext): string[];
  /** Drawn above the table on a page. */
  plots?(results: readonly R[]): TitledPlot[];
  /** By name: those of `metrics`, and others that comparisons and gates may be asked for. */
  readonly figures: Readonly<Record<string, FigureDeclaration<R>>>;
  readonly pairing?: Pairing;
  /** Figures that are compared by their intervals, by name; by default all but exponentials and ratios. */
  compared?(a: ResultRow, b: ResultRow): readonly string[];
  /** Its intervals come from an earlier version and are too narrow, so they are not compared with those of later versions. */
  hasNarrowIntervals?(row: ResultRow): boolean;
  /** Files besides the model that results of one suite must share, by what a sentence about them begins with. */
  inputs?(result: R): { what: string; sha256: string | null }[];
  /** Fills in what depends on all results of a suite; keeps their order. */
  together?(results: readonly R[]): { results: R[]; comparisons?: Comparison[] };
  /** How results of parts of the items join to that of all. */
  readonly parts?: PartsDeclaration<R>;
  readonly report?: ReportDeclaration;
  readonly repetition?: RepetitionDeclaration;
}

export interface PartsDeclaration<R = AnyResult> {
  /** Which part this is, from 1; null: it is of all items. */
  of(result: R): { part: number; of: number } | null;
  /** The same for all parts of one run, and for no others. */
  key(result: R): string;
  /** @param parts of one run, each once, in order */
  join(parts: readonly R[]): R;
}

/** What notes and plots know about their table. */
export interface NoteContext {
  /** All results of the file. */
  readonly results: readonly AnyResult[];
  readonly comparisons: readonly Comparison[];
  /** Whether the table has this column. */
  shows(title: string): boolean;
}

export interface TitledPlot {
  title: string;
  plot: ScatterPlot;
}

export interface FigureDeclaration<R = AnyResult> {
  /** Its name in comparisons; by default the same name. */
  readonly title?: string;
  /** Possible values, where the schema does not say them. */
  readonly range?: Range;
  /** Its path in the record; by default its name in `metrics`. */
  of?(result: R): AnyFigure | null | undefined;
  /** The figure that this one is the exponential of. Differences and limits apply to that logarithm. */
  readonly exponentialOf?: string;
  /** It already compares two builds: `compare` omits it, and a gate limits the ratio itself. */
  readonly isRatio?: boolean;
  /** It describes how a figure was obtained, not how good it is. Reports omit its differences. */
  readonly isSecondary?: boolean;
  /** It depends on the machine: only results of the same machine compare. */
  readonly isOfMachine?: boolean;
  /** Paths in the record that must be equal in two rows for this figure to compare: `reference.sha256`. */
  readonly sameIn?: readonly string[];
  /** The unit of its interval, where that is neither text nor samples. */
  readonly units?: {
    /** Its singular: `round`. */
    readonly name: string;
    count(result: R): number | null;
    /** How to get more. */
    readonly hint: string;
  };
  /** How to obtain an interval where it has none. */
  readonly withoutInterval?: string;
  /** Its name in lm-evaluation-harness, and whether more of it is better. */
  readonly lmEval?: readonly [name: string, higherIsBetter: boolean];
  /** Its name in a model card. */
  readonly modelIndex?: { readonly type: string; readonly name: string };
}

/** A result of any evaluation, read from a file, as comparisons, gates and reports see it. */
export interface ResultRow {
  /** The path of its file, as given, and its index there. */
  file: string;
  place: number;
  /** ppl, gen, … */
  eval: string;
  /** Null for one of another version. */
  evaluation: Evaluation | null;
  /** The model's name, else that of its texts. */
  model: string;
  /** The data set's name, else how the texts were sampled. */
  dataset: string;
  /** By name: ppl, nll, bitsPerByte; genPpl, genNll, entropy; … */
  figures: ReadonlyMap<string, RowFigure>;
  /** The record as it was read. */
  record: AnyResult;
}

/** A figure; what its evaluation does not record is null. */
export interface RowFigure extends TextSampling {
  value: number | null;
  stderr: number | null;
  ci95: readonly [number, number] | null;
  mcStderr: number | null;
  /** The declaration in its evaluation. */
  declared: FigureDeclaration;
}

/** A field of the record, by path: `fieldOf(row, 'protocol.length')`; undefined where there is none. */
export function fieldOf(row: ResultRow, path: string): unknown {
  let value: unknown = row.record;
  for (const key of path.split('.')) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** {@link fieldOf} where it is a number. */
export function numberOf(row: ResultRow, path: string): number | null {
  const value = fieldOf(row, path);
  return typeof value === 'number' ? value : null;
}

/** A difference of two rows, first minus second, over the sequences or samples that both hold. */
export interface PairedDifference extends TextSampling {
  metric: string;
  value: number | null;
  stderr: number | null;
  ci95: readonly [number, number] | null;
  /** Sequences or samples that were paired. */
  sequences: number;
  /** The figures of both, over what was paired. */
  a: number | null;
  b: number | null;
}

/** How two rows are compared sequence by sequence, or sample by sample. */
export interface Pairing {
  /** A figure of pairs alone, compared in place of all others where there are pairs. */
  readonly headline?: string;
  /** Table titles of the figures that only pairs have. */
  readonly titles?: Readonly<Record<string, string>>;
  /** @returns null where the rows share no sequences or samples, or do not record this figure */
  difference(a: ResultRow, b: ResultRow, metric: string): PairedDifference | null;
  /** Why these rows are not paired, as the end of a sentence; null where they are. */
  whyNot?(a: ResultRow, b: ResultRow): string | null;
  /** Figures that pairs could have been made for. */
  readonly metrics: readonly string[];
}

/** How an evaluation appears in a report over several files. */
export interface ReportDeclaration {
  /** Title of the section; by default the heading. Evaluations of one title share a section and its columns. */
  readonly section?: string;
  /** Titles of the two columns that identify a row: `model`, `data set`. */
  readonly subject?: readonly [model: string, dataset: string];
  /** The text of the second of those columns; by default the key that rows are matched by. */
  place?(row: ResultRow): string;
  /** Titles of the columns, after those. */
  readonly columns: readonly string[];
  /** @param rows of the section */
  notes?(rows: readonly ResultRow[]): string[];
  /** @param rows of the section */
  plots?(rows: readonly ResultRow[]): TitledPlot[];
}

/** A row as an entry of a suite's file, under the key that its evaluation is named by. */
export interface SuiteEntry {
  readonly model: { readonly name?: string; readonly path: string };
  /** Where the part reads the data sets of the suite. */
  readonly dataset?: string;
  /** The row's own value of each key that takes a list. */
  readonly lists: Readonly<Record<string, unknown>>;
  /** Keys of `lists` whose value is what a suite takes by itself. */
  readonly usual?: readonly string[];
  /** Keys that make no difference to this row, and may be whatever others need: absent from the other two. */
  readonly any?: readonly string[];
  /** The other keys of the part, which all its rows share. */
  readonly shared: Readonly<Record<string, unknown>>;
}

export interface SuiteEntryContext {
  /** Names of the real text that was evaluated beside the row. */
  readonly realText: readonly string[];
  /** Whether naive samplers were. */
  readonly controls: boolean;
  /** A path of a record as the suite's file has to say it. */
  at(path: string): string;
}

/** How results are given again: which rows one command gives, and that command. */
export interface RepetitionDeclaration {
  /** Whether this is real text, which the command of the rows before it evaluated beside them. */
  isRealText?(row: ResultRow): boolean;
  /** Whether these are texts of a naive sampler, which a suite writes beside the rows before it. */
  isControl?(row: ResultRow): boolean;
  /** Whether its command evaluates such text, and controls where there is some. */
  readonly evaluatesRealText?: boolean;
  /** Whether it writes controls without a row of real text. */
  readonly writesControls?: boolean;
  /** Whether one command gives both rows; by default each has its own. */
  sharesCommand?(first: ResultRow, row: ResultRow): boolean;
  /** The row as a suite gives it; a string says, as the end of a sentence, why none can. Absent: suites have no such rows. */
  inSuite?(row: ResultRow, context: SuiteEntryContext): SuiteEntry | string;
  /** For rows that no suite gives. @param rows that share a command   @param realText names of the data sets beside them   @returns none where a record does not say enough */
  commands(rows: readonly [ResultRow, ...ResultRow[]], realText: readonly string[]): string[];
}

/** The evaluations that a reader or printer knows. */
export class Evaluations {
  private readonly byName: Map<string, Evaluation>;

  constructor(all: readonly Evaluation[]) {
    this.byName = new Map(all.map((one) => [one.name, one]));
  }

  get all(): readonly Evaluation[] {
    return [...this.byName.values()];
  }

  /** Adds an evaluation that readers and printers then know. @throws UsageError where its name is taken, or its parts do not fit together */
  register<R extends AnyResult>(evaluation: Evaluation<R>): void {
    const wrong = this.byName.has(evaluation.name) ? 'its name is taken' : reasonUnusable(evaluation);
    if (wrong !== null) {
      throw new UsageError({
        code: 'evaluation-not-registered',
        message: `The evaluation ${JSON.stringify(evaluation.name)} cannot be registered: ${wrong}.`,
        hint: 'docs/library.md has an example.',
      });
    }
    this.byName.set(evaluation.name, evaluation as unknown as Evaluation);
  }

  /** Null for one of another version. */
  of(name: string): Evaluation | null {
    return this.byName.get(name) ?? null;
  }

  /** The declaration of a figure. For an evaluation of another version: that of any known evaluation with a figure of this name. */
  figure(evaluation: string, name: string): FigureDeclaration | null {
    const own = this.byName.get(evaluation);
    if (own) return own.figures[name] ?? null;
    return this.all.find(({ figures }) => Object.hasOwn(figures, name))?.figures[name] ?? null;
  }
}

/** The reason a declaration is unusable; null where it is usable. */
function reasonUnusable<R extends AnyResult>({
  name,
  record,
  columns,
  table,
  report,
}: Evaluation<R>): string | null {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) return 'its name takes lower-case letters, digits and hyphens';
  const tags = record._zod.propValues?.eval;
  if (tags?.size !== 1 || !tags.has(name)) return `\`eval\` of its record is not z.literal('${name}')`;
  try {
    columnSet(columns, table, []);
    if (report)
      columnsOf(
        columns.flatMap((one) => one.table),
        report.columns,
      );
  } catch (error) {
    return (error as RangeError).message.replace(/\.$/, '');
  }
  return null;
}

/** The results of a file by evaluation, in the order in which they first occur. */
export function byEvaluation(
  results: readonly AnyResult[],
  evaluations: Evaluations,
): { evaluation: Evaluation; results: AnyResult[] }[] {
  const groups = new Map<string, AnyResult[]>();
  for (const result of results) {
    const group = groups.get(result.eval);
    if (group) group.push(result);
    else groups.set(result.eval, [result]);
  }
  return [...groups].flatMap(([name, group]) => {
    const evaluation = evaluations.of(name);
    return evaluation ? [{ evaluation, results: group }] : [];
  });
}

/** What a row of a table is called by. */
export function labelOf<R extends AnyResult>({ label, columns }: Evaluation<R>, result: R): string {
  if (label) return label(result);
  const names = columns.flatMap(({ table }) => table).filter(({ isName }) => isName);
  return JSON.stringify(names.map(({ cell }) => cell(result)));
}
