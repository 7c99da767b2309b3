/**
 * How to get rows again: as suite files for `duo-eval run`, as few as there can be, and as commands for what no suite gives. Records name data
 * sets but not their paths. Real text belongs to the rows before it.
 */
import { isAbsolute, join, relative } from 'node:path';
import { stringify } from 'yaml';
import { shellWord } from '../printing/shell-command.js';
import type { ResultRow, SuiteEntry, SuiteEntryContext } from '../records/evaluation.js';
import { plainText } from '../terminal-text.js';

export interface Repetition {
  /** Texts of suite files. */
  suites: string[];
  /** The command that runs each of them, with the name that the file is to have. */
  runs: { file: string; command: string }[];
  /** What no suite gives: why, and a command where there is one. */
  others: { why: string; commands: string[] }[];
}

/** @param file the name of the first suite file; its folder is where their paths start */
export function repetitionOf(rows: readonly ResultRow[], file = 'suite.yaml'): Repetition {
  const folder = folderOf(file);
  const at = (path: string) =>
    folder === '' || isAbsolute(path) || path.startsWith('hf:') ? path : relative(folder, path);
  const entries = new Map<string, Placed[]>();
  const others = new Map<string, string[]>();
  const beside = textsBeside(rows);
  for (const { rows: run, realText } of runsOf(rows, beside)) {
    const declared = run[0].evaluation?.repetition;
    const found = run.map(
      (row) =>
        declared?.inSuite?.(row, { ...(beside.get(row) ?? NOTHING), at }) ?? 'suites have no such rows',
    );
    const why = found.find((one) => typeof one === 'string');
    if (why !== undefined) {
      const known = others.get(why) ?? [];
      others.set(why, [...known, ...(declared?.commands(run, realText) ?? [])]);
      continue;
    }
    for (const [i, entry] of (found as SuiteEntry[]).entries()) {
      const name = run[i].eval;
      entries.set(name, [...(entries.get(name) ?? []), { eval: name, entry }]);
    }
  }
  const grids = [...entries.values()].flatMap((own) => alike(own).flatMap(gridsOf));
  const files = filesOf(grids);
  const nameOf = (i: number) =>
    i === 0 ? file : file.replace(/(\.ya?ml)?$/i, (ending) => `-${i + 1}${ending}`);
  const machine = machineFlags(rows);
  return {
    suites: files.map((content) => stringify(content, { lineWidth: 0, aliasDuplicateObjects: false })),
    runs: files.map((_, i) => ({
      file: nameOf(i),
      command: `duo-eval run ${shellWord(nameOf(i))}${machine} --out results${i === 0 ? '' : `-${i + 1}`}.json`,
    })),
    others: [...others].map(([why, commands]) => ({ why, commands: [...new Set(commands)] })),
  };
}

/** The suite files themselves, with the first of them at a path; what they leave out stands at the head of the first. */
export function suiteFiles(rows: readonly ResultRow[], path: string): { path: string; text: string }[] {
  const { suites, runs, others } = repetitionOf(rows, path);
  const left = others.flatMap(({ why, commands }) => [
    otherNote(why, commands.length),
    ...commands.map((command) => `  ${command}`),
  ]);
  return runs.map(({ file, command }, i) => {
    const head = [plainText(command), ...(i === 0 ? left.map(plainText) : [])];
    return { path: file, text: `${head.map((line) => `# ${line}\n`).join('')}${suites[i]}` };
  });
}

/** Above suite files. */
export const suiteNote = (count: number): string =>
  `Save ${count === 1 ? 'it' : 'each'} under its name in the folder that the paths start from. Data sets are known by their names here: of one of your own, {name: …, path: …}. Same seed, same figures; speeds are of the machine.`;

/** Above commands. */
export const otherNote = (why: string, commands: number): string =>
  `No suite gives ${commands === 1 ? 'this row' : 'these rows'}, since ${why}${commands === 0 ? ', and no command is known' : ''}.`;

function folderOf(file: string): string {
  const folder = join(file, '..');
  return folder === '.' ? '' : folder;
}

/** Where all rows ran alike, as flags of `run`. */
function machineFlags(rows: readonly ResultRow[]): string {
  const of = (key: 'provider' | 'threads') => {
    const values = new Set(rows.map(({ record }) => record.environment?.[key] ?? null));
    return values.size === 1 ? [...values][0] : null;
  };
  const [provider, threads] = [of('provider'), of('threads')];
  return [
    ...(provider === null || provider === 'cpu'
      ? []
      : [` --provider ${shellWord(plainText(String(provider)))}`]),
    ...(threads === null ? [] : [` --threads ${Number(threads)}`]),
  ].join('');
}

/** Rows of one command, and the real text among them. */
interface Run {
  rows: [ResultRow, ...ResultRow[]];
  realText: string[];
}

function runsOf(rows: readonly ResultRow[], beside: ReadonlyMap<ResultRow, Beside>): Run[] {
  const runs: Run[] = [];
  for (const row of rows) {
    const own = row.evaluation?.repetition;
    const last = runs.at(-1);
    const before = last?.rows[0].file === row.file ? last : null;
    const [first] = before?.rows ?? [];
    if (own?.isRealText?.(row)) {
      if (first?.evaluation?.repetition?.evaluatesRealText) before?.realText.push(row.dataset);
    } else if (own?.isControl?.(row) && first && isGivenBeside(first, beside)) {
      // What gives the rows before it writes it again.
    } else if (first?.eval === row.eval && own?.sharesCommand?.(first, row)) before?.rows.push(row);
    else runs.push({ rows: [row], realText: [] });
  }
  return runs;
}

/** Whether the controls after a row come with it. */
const isGivenBeside = (row: ResultRow, beside: ReadonlyMap<ResultRow, Beside>): boolean => {
  const { realText, controls } = beside.get(row) ?? NOTHING;
  return controls && (realText.length > 0 || row.evaluation?.repetition?.writesControls === true);
};

type Beside = Pick<SuiteEntryContext, 'realText' | 'controls'>;
const NOTHING: Beside = { realText: [], controls: false };

/** Of each row what stands after the rows of its evaluation: a suite has it beside all of them, whatever their commands. */
function textsBeside(rows: readonly ResultRow[]): Map<ResultRow, Beside> {
  const beside = new Map<ResultRow, Beside>();
  let stretch: ResultRow[] = [];
  let last: ResultRow | undefined;
  for (const row of rows) {
    const own = row.evaluation?.repetition;
    const isRealText = own?.isRealText?.(row) ?? false;
    if (isRealText || own?.isControl?.(row)) {
      for (const one of stretch) {
        const { evaluatesRealText, writesControls } = one.evaluation?.repetition ?? {};
        if (one.file !== row.file || !(evaluatesRealText || (writesControls && !isRealText))) continue;
        const { realText, controls } = beside.get(one) ?? NOTHING;
        beside.set(
          one,
          isRealText ? { realText: [...realText, row.dataset], controls } : { realText, controls: true },
        );
      }
    } else {
      const continues = last === stretch.at(-1) && last?.file === row.file && last.eval === row.eval;
      stretch = continues ? [...stretch, row] : [row];
    }
    last = row;
  }
  return beside;
}

interface Placed {
  eval: string;
  entry: SuiteEntry;
}

/** Entries that one part of a suite can give: of equal shared keys, as far as they matter, and a name never of two files. */
function alike(entries: readonly Placed[]): Placed[][] {
  const groups: Placed[][] = [];
  const decided = [...entries].sort((a, b) => (a.entry.any?.length ?? 0) - (b.entry.any?.length ?? 0));
  for (const one of decided) {
    const group = groups.find((own) => fits(one.entry, own));
    if (group) group.push(one);
    else groups.push([one]);
  }
  return groups.map((group) => entries.filter((one) => group.includes(one)));
}

function fits({ shared, any = [], model }: SuiteEntry, group: readonly Placed[]): boolean {
  const [{ entry: first }] = group;
  const keys = new Set(
    [...Object.keys(shared), ...Object.keys(first.shared)].filter((key) => !any.includes(key)),
  );
  return (
    [...keys].every((key) => JSON.stringify(shared[key]) === JSON.stringify(first.shared[key])) &&
    group.every(({ entry }) => entry.model.name !== model.name || entry.model.path === model.path)
  );
}

/** A part of a suite: everything in it with everything. */
interface Grid {
  eval: string;
  models: SuiteEntry['model'][];
  datasets: string[];
  part: Record<string, unknown>;
}

const MODEL = ' model';
const DATASET = ' dataset';
/** Where a list has what a suite takes by itself. */
const USUAL = ' usual';

/** As few grids as hold exactly these entries. */
function gridsOf(group: readonly Placed[]): Grid[] {
  const [{ eval: name }] = group;
  const entries = group.map(({ entry }) => entry);
  const { shared } = entries.reduce((a, b) => ((b.any?.length ?? 0) < (a.any?.length ?? 0) ? b : a));
  const lists = unique(entries.flatMap((entry) => Object.keys(entry.lists)));
  const isUsual = (list: string, { path }: SuiteEntry['model']) =>
    entries.every((entry) => entry.model.path !== path || entry.usual?.includes(list));
  const own = ({ model, dataset, lists: values }: SuiteEntry): Record<string, unknown> => ({
    ...Object.fromEntries(
      Object.entries(values).map(([list, value]) => [list, isUsual(list, model) ? USUAL : value]),
    ),
    [MODEL]: model,
    ...(dataset !== undefined && { [DATASET]: dataset }),
  });
  const axes = [MODEL, ...(entries[0].dataset === undefined ? [] : [DATASET]), ...lists];
  const valuesOf = (axis: string) =>
    unique(entries.map((entry) => own(entry)[axis]).filter((value) => value !== undefined));
  // What makes no difference to an entry takes all values that others have.
  const points = entries.flatMap((entry) =>
    axes.reduce<unknown[][]>(
      (made, axis) => {
        const values = entry.any?.includes(axis) ? valuesOf(axis) : [own(entry)[axis]];
        return made.flatMap((point) => values.map((value) => [...point, value]));
      },
      [[]],
    ),
  );
  return cover(unique(points)).map((values) => {
    const of = (axis: string) => values[axes.indexOf(axis)] ?? [];
    return {
      eval: name,
      models: of(MODEL) as Grid['models'],
      datasets: of(DATASET) as string[],
      part: {
        ...Object.fromEntries(
          lists.flatMap((list) =>
            isSame(of(list), [USUAL]) || of(list).length === 0 ? [] : [[list, of(list)]],
          ),
        ),
        ...shared,
      },
    };
  });
}

/** Products that hold exactly these points: values of an axis that go with the same others share one. @returns values by axis */
function cover(points: readonly (readonly unknown[])[]): unknown[][][] {
  const size = points[0]?.length ?? 0;
  const all = Array.from({ length: size }, (_, axis) => unique(points.map((point) => point[axis])));
  if (all.reduce((product, { length }) => product * length, 1) === points.length) return [all];
  const byRest = new Map<string, { values: unknown[]; rest: unknown[][] }>();
  for (const value of all[0]) {
    const rest = points.filter(([first]) => isSame(first, value)).map(([, ...others]) => others);
    const key = JSON.stringify(rest.map((one) => JSON.stringify(one)).sort());
    const known = byRest.get(key);
    if (known) known.values.push(value);
    else byRest.set(key, { values: [value], rest });
  }
  return [...byRest.values()].flatMap(({ values, rest }) => cover(rest).map((others) => [values, ...others]));
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

const unique = <T>(values: readonly T[]): T[] => [
  ...new Map(values.map((value) => [JSON.stringify(value), value])).values(),
];

/** Grids of the same models share a file, one of each evaluation. */
function filesOf(grids: readonly Grid[]): Record<string, unknown>[] {
  const files: { models: Grid['models']; datasets: string[]; parts: Map<string, Grid['part']> }[] = [];
  for (const { eval: name, models, datasets, part } of grids) {
    const file = files.find((one) => isSame(one.models, models) && !one.parts.has(name));
    if (file) {
      file.parts.set(name, part);
      file.datasets.push(...datasets);
    } else files.push({ models, datasets: [...datasets], parts: new Map([[name, part]]) });
  }
  return files.map(({ models, datasets, parts }) => ({
    models,
    ...(datasets.length > 0 && { datasets }),
    ...Object.fromEntries(parts),
  }));
}
