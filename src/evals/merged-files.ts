/**
 * Results of parts of a run, joined to what the whole run gives: parts of a suite, which hold some of its cells, or parts of tasks,
 * whose results are of some of the items.
 */
import { FileError } from '../errors.js';
import type { PartsDeclaration } from '../records/evaluation.js';
import { type AnyResult, type ResultsFile, resultsFile } from '../records/record.js';
import { readResults } from '../records/results-file.js';
import { EVALUATIONS } from './registry.js';
import { mergeParts, partOf } from './suite/part-record.js';

/** @throws FileError for files that are no parts, or not all of one run */
export function mergeFiles(paths: readonly string[]): ResultsFile {
  const files = paths.map((path) => ({ path, file: readResults(path, EVALUATIONS) }));
  const isOfItems = files.every(({ file }) => !('suite' in file) && file.results.some(isPart));
  return isOfItems ? joinedFiles(files) : mergeParts(files.map(partOf));
}

interface ReadFile {
  path: string;
  file: ResultsFile;
}
interface Placed {
  path: string;
  result: AnyResult;
  part: number;
}

const partsOf = ({ eval: name }: AnyResult): PartsDeclaration | undefined => EVALUATIONS.of(name)?.parts;
const isPart = (result: AnyResult): boolean => (partsOf(result)?.of(result) ?? null) !== null;

function joinedFiles(files: readonly ReadFile[]): ResultsFile {
  const runs = new Map<string, Placed[]>();
  for (const { path, file } of files) {
    for (const result of file.results) {
      const declared = partsOf(result);
      const part = declared?.of(result) ?? null;
      if (!declared || part === null)
        throw refusal(
          'no-part',
          `${path} holds a result that is of all items.`,
          'Give files of parts alone.',
        );
      const key = `${result.eval} ${declared.key(result)}`;
      const run = runs.get(key) ?? [];
      runs.set(key, run);
      const before = run.find((one) => one.part === part.part);
      if (before)
        throw refusal(
          'part-twice',
          `${before.path} and ${path} both hold part ${part.part} of ${part.of} of ${nameOf(result)}.`,
          'Give each part once.',
        );
      run.push({ path, result, part: part.part });
    }
  }
  return resultsFile([...runs.values()].map(joinedRun));
}

function joinedRun(run: readonly Placed[]): AnyResult {
  const [{ path, result }] = run;
  // every placed result is a part
  const declared = partsOf(result)!;
  const { of } = declared.of(result)!; // as above
  const missing = Array.from({ length: of }, (_, i) => i + 1).find(
    (i) => !run.some(({ part }) => part === i),
  );
  if (missing !== undefined)
    throw refusal(
      'parts-missing',
      `Part ${missing} of ${of} of ${nameOf(result)}, which goes with ${path}, is in no file.`,
      'Run what is missing with --shard i/n, on the same model, documents and settings.',
    );
  return declared.join([...run].sort((a, b) => a.part - b.part).map((one) => one.result));
}

const nameOf = ({ model, dataset }: AnyResult): string =>
  [model?.name, dataset?.name]
    .filter(Boolean)
    .map((name) => JSON.stringify(name))
    .join(' on ');

const refusal = (code: string, message: string, hint: string) => new FileError({ code, message, hint });
