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
  /** `eval` of its records. */
  readonly name: R['eval'];
  /** What the errors of its figures are over: `sequence`, `sample`. */
  readonly unit: string;
  /** Heading of its tables. */
  readonly title: string;
  /** Title of a page whose first result is one of these; the heading, unless told. */
  readonly pageTitle?: string;
  /** The type of its results is inferred from it. */
  readonly record: z.ZodType<R>;
  /** In the order of the CSV, to which columns are only ever added at the end. */
  readonly columns: readonly Column<R>[];
  /** The order in which a person reads them; that of the CSV, unless told. */
  readonly table?: TableOrder<R>;
  /** What a row is called by; rows of one label that differ in settings say so. The names in its table, unless told. */
  label?(result: R): string;
  /** The lines under a table, one paragraph an entry, plain text: how the figures came about, what must not be overlooked. */
  notes?(results: readonly R[], told: NoteContext): string[];
  /** Drawn above the table on a page. */
  plots?(results: readonly R[]): TitledPlot[];
  /** By name: those of `metrics`, and others that comparisons and gates may be asked for. */
  readonly figures: Readonly<Record<string, FigureDeclaration<R>>>;
  readonly pairing?: Pairing;
  /** Figures that are compared by their intervals, by name; all but exponentials and ratios, unless told. */
  compared?(a: ResultRow, b: ResultRow): readonly string[];
  /** Its intervals are of an earlier version and too narrow: they are not set against those of later versions. */
  hasNarrowIntervals?(row: ResultRow): boolean;
  /** What is known only where all results of a suite are together; the order is kept. */
  together?(results: readonly R[]): { results: R[]; comparisons?: Comparison[] };
  readonly report?: ReportDeclaration;
}

/** What is told beside a table. */
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
  /** How comparisons call it; its name, unless told. */
  readonly title?: string;
  /** Possible values, where the schema does not say them. */
  readonly range?: Range;
  /** Where it is in the record; by its name in `metrics`, unless told. */
  of?(result: R): AnyFigure | null | undefined;
  /** The figure that this one is the exponential of: differences and limits are of the logarithm. */
  readonly exponentialOf?: string;
  /** It compares two builds already: `compare` leaves it out, and a gate limits the ratio itself. */
  readonly isRatio?: boolean;
  /** It says how a figure came about, not how good it is: reports leave out its differences. */
  readonly isSecondary?: boolean;
  /** It depends on the machine, which must then be the same. */
  readonly isOfMachine?: boolean;
  /** What its interval is over, where that is not text or samples. */
  readonly units?: {
    /** One of them: `round`. */
    readonly name: string;
    count(result: R): number | null;
    /** How to get more. */
    readonly hint: string;
  };
  /** What would give it an interval where it has none. */
  readonly withoutInterval?: string;
  /** Its name in lm-evaluation-harness, and whether more of it is better. */
  readonly lmEval?: readonly [name: string, higherIsBetter: boolean];
  /** Its name in a model card. */
  readonly modelIndex?: { readonly type: string; readonly name: string };
}

/** A result of any evaluation, read from a file: what comparing, judging and reporting need to know of all alike. */
export interface ResultRow {
  /** The file it is from, as given, and its place there. */
  file: string;
  place: number;
  /** ppl, gen, … */
  eval: string;
  /** Null for one of another version. */
  evaluation: Evaluation | null;
  /** What was evaluated: the model's name, else that of its texts. */
  model: string;
  /** On what: the data set's name, else how texts were drawn. */
  dataset: string;
  /** By name: ppl, nll, bitsPerByte; genPpl, genNll, entropy; … */
  figures: ReadonlyMap<string, RowFigure>;
  /** The record as it was read. */
  record: AnyResult;
}

/** A figure: what its evaluation does not give of it is null. */
export interface RowFigure extends TextSampling {
  value: number | null;
  stderr: number | null;
  ci95: readonly [number, number] | null;
  mcStderr: number | null;
  /** What its evaluation says of it. */
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

/** A difference of two rows, first minus second, by what both hold of the same sequences or samples. */
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
  /** How tables call figures of pairs alone. */
  readonly titles?: Readonly<Record<string, string>>;
  /** @returns null where the rows do not hold the same ones, or nothing of this figure */
  difference(a: ResultRow, b: ResultRow, metric: string): PairedDifference | null;
  /** Why these rows are not paired, as the end of a sentence; null where they are. */
  whyNot?(a: ResultRow, b: ResultRow): string | null;
  /** Figures that pairs could have been made for. */
  readonly metrics: readonly string[];
}

/** Its part of a report over several files. */
export interface ReportDeclaration {
  /** Title of the section; evaluations of one title share a section and its columns. Their heading, unless told. */
  readonly section?: string;
  /** What the two columns are called that say what a row is of: `model`, `data set`. */
  readonly subject?: readonly [model: string, dataset: string];
  /** Of a row, in the second of those; what rows are matched by, unless told. */
  place?(row: ResultRow): string;
  /** Titles of the columns, after those. */
  readonly columns: readonly string[];
  /** @param rows of the section */
  notes?(rows: readonly ResultRow[]): string[];
  /** @param rows of the section */
  plots?(rows: readonly ResultRow[]): TitledPlot[];
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

  /** Adds one, which readers and printers then know. @throws UsageError where its name is taken, or its parts do not fit together */
  register<R extends AnyResult>(evaluation: Evaluation<R>): void {
    const wrong = this.byName.has(evaluation.name) ? 'its name is taken' : unfit(evaluation);
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

  /** What is known of a figure; of an evaluation of another version, what others say of the name. */
  figure(evaluation: string, name: string): FigureDeclaration | null {
    const own = this.byName.get(evaluation);
    if (own) return own.figures[name] ?? null;
    return this.all.find(({ figures }) => Object.hasOwn(figures, name))?.figures[name] ?? null;
  }
}

/** What keeps a declaration from being used; null: nothing. */
function unfit<R extends AnyResult>({ name, record, columns, table, report }: Evaluation<R>): string | null {
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
