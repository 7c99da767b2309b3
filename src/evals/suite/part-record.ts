/**
 * The results of a suite, whole or in part. A part records its suite and its cells. Parts that together hold every
 * cell once merge to the same bytes as a whole run, which is assembled here in the same way.
 */
import { z } from 'zod';
import { FileError } from '../../errors.js';
import { shellWord } from '../../printing/shell-command.js';
import { byEvaluation } from '../../records/evaluation.js';
import { part } from '../../records/figures.js';
import { type AnyResult, type Comparison, type ResultsFile, SCHEMA_VERSION } from '../../records/record.js';
import { EVALUATIONS, type Result } from '../registry.js';

/** A further key of a results file. */
const suiteRecord = part({
  name: z.string(),
  /** Digest of the suite. */
  sha256: z.string(),
  /** Number of cells in the whole suite. */
  cells: z.int().min(1),
  /** The cell of each result, in order; a `bench` cell has several results. */
  held: z.array(z.int().nonnegative()),
  /** Cells that were not needed, such as further seeds of models whose loss is exact. */
  unneeded: z.array(z.int().nonnegative()),
  /** `3/8` of a part that `--shard` made; absent otherwise. */
  shard: z.string().optional(),
  /** Keys of the units that `--unit` or `--units` ran; absent otherwise. Losses of ranges of sequences are in the cache. */
  units: z.array(z.string()).optional(),
});
export type SuiteRecord = z.infer<typeof suiteRecord>;

export interface SuiteFile {
  schemaVersion: typeof SCHEMA_VERSION;
  suite: SuiteRecord;
  results: Result[];
  comparisons: Comparison[];
}

export interface CellResult {
  index: number;
  /** Empty where the cell was not needed. */
  results: readonly Result[];
}

export function suiteFile(
  suite: Omit<SuiteRecord, 'held' | 'unneeded'>,
  cells: readonly CellResult[],
): SuiteFile {
  const ordered = [...cells].sort((a, b) => a.index - b.index);
  const { results, comparisons } = completeResults(ordered.flatMap((cell) => cell.results));
  const held = ordered.flatMap((cell) => cell.results.map(() => cell.index));
  const unneeded = ordered.filter((cell) => cell.results.length === 0).map(({ index }) => index);
  return {
    schemaVersion: SCHEMA_VERSION,
    suite: { ...suite, held, unneeded },
    results,
    comparisons,
  };
}

/** Adds what depends on all results: errors over text, comparisons, fronts. */
function completeResults(all: readonly Result[]): Pick<SuiteFile, 'results' | 'comparisons'> {
  const found = new Map<AnyResult, AnyResult>();
  const comparisons: Comparison[] = [];
  for (const { evaluation, results } of byEvaluation(all, EVALUATIONS)) {
    const known = evaluation.together?.(results);
    if (!known) continue;
    for (const [i, result] of results.entries()) found.set(result, known.results[i]);
    comparisons.push(...(known.comparisons ?? []));
  }
  return { results: all.map((one) => (found.get(one) ?? one) as Result), comparisons };
}

export interface Part {
  path: string;
  file: SuiteFile;
}

/** @throws FileError when it is no part of a suite */
export function partOf({ path, file }: { path: string; file: ResultsFile & { suite?: unknown } }): Part {
  const parsed = suiteRecord.safeParse(file.suite);
  const whole = parsed.success && parsed.data.held.length === file.results.length;
  if (whole && [...parsed.data.held, ...parsed.data.unneeded].every((index) => index < parsed.data.cells))
    return { path, file: file as unknown as SuiteFile };
  throw new FileError({
    code: 'no-part',
    message: `${path} is no part of a suite.`,
    hint: 'Give files that duo-eval run --shard i/n --out part.json wrote, or all those of duo-eval tasks --shard.',
  });
}

/** @throws FileError when the parts are not of one suite, saw other files, or do not hold every cell once */
export function mergeParts(parts: readonly Part[]): SuiteFile {
  const [first] = parts;
  const refuse = (code: string, message: string, hint: string) => new FileError({ code, message, hint });
  const cells = new Map<number, CellResult & { path: string }>();
  for (const { path, file } of parts) {
    const own = new Map<number, Result[]>();
    if (file.suite.sha256 !== first.file.suite.sha256 || file.suite.cells !== first.file.suite.cells) {
      throw refuse(
        'other-suite',
        `${path} is of another suite than ${first.path}.`,
        'Give the parts that one suite file made.',
      );
    }
    const { held, unneeded } = file.suite;
    for (const [i, index] of held.entries()) own.set(index, [...(own.get(index) ?? []), file.results[i]]);
    for (const index of unneeded) own.set(index, own.get(index) ?? []);
    for (const [index, results] of own) {
      const before = cells.get(index);
      if (before) {
        throw refuse(
          'cell-twice',
          `${before.path} and ${path} both hold cell ${index + 1}.`,
          'Give each part once.',
        );
      }
      cells.set(index, { index, results, path });
    }
  }
  checkSameContent([...cells.values()]);
  const { held: _held, unneeded: _unneeded, shard: _shard, units: _units, ...suite } = first.file.suite;
  const missing = Array.from({ length: suite.cells }, (_one, index) => index).filter(
    (index) => !cells.has(index),
  );
  if (missing.length > 0) {
    throw refuse(
      'cells-missing',
      `${missing.length} of ${suite.cells} cells are in no part, the first of them cell ${missing[0] + 1}.`,
      howToMake(parts),
    );
  }
  return suiteFile(suite, [...cells.values()]);
}

/** The commands that make what is missing, where the parts say enough. */
function howToMake(parts: readonly Part[]): string {
  const suites = parts.map(({ file }) => file.suite);
  const [{ name, units }] = suites;
  const suite = shellWord(`${name}.yaml`);
  if (units !== undefined)
    return `Parts of cells are joined from the cache: duo-eval merge --from-cache ${suite} --plan plan.json, which also says what is missing.`;
  const shards = suites.map(({ shard }) => /^(\d+)\/(\d+)$/.exec(shard ?? ''));
  const of = Number(shards[0]?.[2]);
  if (shards.some((shard) => Number(shard?.[2]) !== of))
    return 'Run the parts that are missing: duo-eval run --shard i/n.';
  const given = new Set(shards.map((shard) => Number(shard?.[1])));
  const missing = Array.from({ length: of }, (_, i) => i + 1).filter((part) => !given.has(part));
  const commands = missing.slice(0, COMMANDS_SHOWN).map((part) => {
    return `duo-eval run ${suite} --shard ${part}/${of} --out part-${part}.json`;
  });
  const more =
    missing.length > COMMANDS_SHOWN ? `, and parts ${missing.slice(COMMANDS_SHOWN).join(', ')}` : '';
  return `Run what is missing: ${commands.join('; ')}${more}.`;
}

const COMMANDS_SHOWN = 4;

/** Parts may run anywhere, but on the same models and data. */
function checkSameContent(cells: readonly (CellResult & { path: string })[]): void {
  const seen = new Map<string, { sha256: string; path: string }>();
  const check = (what: string, sha256: string | null, path: string) => {
    if (sha256 === null) return;
    const before = seen.get(what);
    if (before && before.sha256 !== sha256) {
      throw new FileError({
        code: 'other-content',
        message: `${what} is not the same file in ${before.path} and ${path}: its sha256 differs.`,
        hint: 'Give every part the same models and data, and run again what ran on others.',
      });
    }
    seen.set(what, { sha256, path });
  };
  for (const { path, results } of cells) {
    for (const result of results) {
      if (result.model) check(`Model ${result.model.name}`, result.model.sha256, path);
      for (const { what, sha256 } of EVALUATIONS.of(result.eval)?.inputs?.(result) ?? [])
        check(what, sha256, path);
    }
  }
}
