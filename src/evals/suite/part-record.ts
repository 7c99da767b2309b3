/**
 * The results of a suite, whole or in part. A part says which suite it is of and which cells it holds; parts that together
 * hold every cell once are the whole, to the byte, since the whole too is assembled here from its cells.
 */
import { FileError } from '../../errors.js';
import {
  type Comparison,
  type EnvironmentRecord,
  type PerplexityResult,
  type Result,
  SCHEMA_VERSION,
} from '../../records/record.js';
import type { SequencesRecord } from '../../records/sequences-record.js';
import {
  longestBlock,
  pairedComparison,
  perplexityMetrics,
  type SequenceLosses,
  type TextLosses,
} from '../../records/text-figures.js';
import { paretoFront } from '../../statistics/pareto-front.js';
import type { FrontierResult } from '../throughput/record.js';

/** A further key of a results file. */
export interface SuiteRecord {
  name: string;
  /** Of what was asked. */
  sha256: string;
  /** Cells of the whole. */
  cells: number;
  /** Which of them each of these results is of, in their order; `bench` gives several of one cell. */
  held: number[];
  /** Those that were not needed, such as other seeds of models whose loss is exact. */
  unneeded: number[];
}

export interface SuiteFile {
  schemaVersion: typeof SCHEMA_VERSION;
  suite: SuiteRecord;
  results: Result[];
  comparisons: (Comparison & { seed?: number })[];
}

export interface CellResult {
  index: number;
  /** None where the cell was not needed. */
  results: readonly Result[];
}

export function assembled(
  suite: Omit<SuiteRecord, 'held' | 'unneeded'>,
  cells: readonly CellResult[],
): SuiteFile {
  const ordered = [...cells].sort((a, b) => a.index - b.index);
  const fronted = withFronts(ordered.flatMap((cell) => cell.results));
  const { results, comparisons } = withErrorsOverText(fronted);
  const held = ordered.flatMap((cell) => cell.results.map(() => cell.index));
  const unneeded = ordered.filter((cell) => cell.results.length === 0).map(({ index }) => index);
  return {
    schemaVersion: SCHEMA_VERSION,
    suite: { ...suite, held, unneeded },
    results,
    comparisons,
  };
}

/** What sweeps must share to be on one front: entropies of other lengths or other tokens cannot be set equal. */
const frontOf = ({ protocol, length, tokenizerSha256, target }: FrontierResult) =>
  JSON.stringify([protocol.seed, length, tokenizerSha256, target]);

/**
 * Sweeps of one seed and length, at one entropy, each a cell of its own, are on a front together, unless their speeds are of
 * different machines.
 */
function withFronts(results: readonly Result[]): Result[] {
  const sweeps = results.filter((result) => result.eval === 'frontier');
  const marks = new Map<Result, boolean | null>();
  for (const front of new Set(sweeps.map(frontOf))) {
    const together = sweeps.filter((one) => frontOf(one) === front);
    const machines = new Set(together.map(({ environment }) => machineOf(environment)));
    const isOnFront = paretoFront(
      together.map((one) => ({ speed: one.tokensPerSecond, perplexity: one.metrics.genPpl.value })),
    );
    for (const [i, one] of together.entries()) marks.set(one, machines.size === 1 ? isOnFront[i] : null);
  }
  return results.map((one) => (one.eval === 'frontier' ? { ...one, pareto: marks.get(one)! } : one));
}

function machineOf({ cpu, provider, threads }: EnvironmentRecord): string {
  return JSON.stringify([cpu, provider, threads]);
}

interface TextPair {
  a: PerplexityResult;
  b: PerplexityResult;
  seed: number | null;
}

/** Errors of perplexities and of their differences, with one block length a data set (text-figures.ts). */
function withErrorsOverText(all: readonly Result[]): Pick<SuiteFile, 'results' | 'comparisons'> {
  const perplexities = all.filter((result) => result.eval === 'ppl');
  const pairs = pairsOf(perplexities);
  const rows = new Map<Result, Result>();
  const lengths = new Map<string | null, number>();
  const streamOf = ({ dataset }: PerplexityResult) => dataset.sha256;
  for (const stream of new Set(perplexities.map(streamOf))) {
    const alike = perplexities.filter((one) => streamOf(one) === stream && one.sequences?.textBytes);
    const ofPairs = pairs.filter(({ a }) => streamOf(a) === stream);
    const length = longestBlock(
      alike.map((one) => lossesOf(one.sequences!)),
      ofPairs.map(({ a, b }) => [lossesOf(a.sequences!), lossesOf(b.sequences!)] as const),
    );
    lengths.set(stream, length);
    for (const one of alike) rows.set(one, { ...one, metrics: metricsOf(one, length) });
  }
  const seeds = new Set(perplexities.map(({ protocol }) => protocol.seed).filter((seed) => seed !== null));
  return {
    results: all.map((one) => rows.get(one) ?? one),
    comparisons: pairs.map(({ a, b, seed }) => ({
      a: a.model.name,
      b: b.model.name,
      dataset: a.dataset.name,
      ...pairedComparison(lossesOf(a.sequences!), lossesOf(b.sequences!), lengths.get(streamOf(a))),
      ...(seeds.size > 1 && seed !== null && { seed }),
    })),
  };
}

/** Models in pairs, on the same stream and from the same seed; exact ones, which have none, with every other. */
function pairsOf(results: readonly PerplexityResult[]): TextPair[] {
  const pairs: TextPair[] = [];
  for (const [i, a] of results.entries()) {
    for (const b of results.slice(i + 1)) {
      if (a.model.name === b.model.name || a.dataset.sha256 !== b.dataset.sha256) continue;
      const [seedA, seedB] = [a.protocol.seed, b.protocol.seed];
      if (!a.sequences || !b.sequences || (seedA !== seedB && seedA !== null && seedB !== null)) continue;
      pairs.push({ a, b, seed: seedA ?? seedB });
    }
  }
  return pairs;
}

/** Only where the row holds bytes, which it does from protocol version 2 on. */
function lossesOf({ textBytes = [], document, ...columns }: SequencesRecord): SequenceLosses & TextLosses {
  return { ...columns, textBytes, documents: document ?? null };
}

/** Errors over draws stay as they are, to the last digit. */
function metricsOf(
  { metrics, sequences }: PerplexityResult,
  blockLength: number,
): PerplexityResult['metrics'] {
  const found = perplexityMetrics({ ...lossesOf(sequences!), natsMcStderr: null }, blockLength);
  const withDraws = (name: keyof PerplexityResult['metrics']) => ({
    ...found[name],
    mcStderr: metrics[name].mcStderr,
  });
  return { ppl: withDraws('ppl'), nll: withDraws('nll'), bitsPerByte: withDraws('bitsPerByte') };
}

export interface Part {
  path: string;
  file: SuiteFile;
}

/** @throws FileError when the parts are not of one suite, saw other files, or do not hold every cell once */
export function merged(parts: readonly Part[]): SuiteFile {
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
  const { held: _held, unneeded: _unneeded, ...suite } = first.file.suite;
  const missing = Array.from({ length: suite.cells }, (_one, index) => index).filter(
    (index) => !cells.has(index),
  );
  if (missing.length > 0) {
    throw refuse(
      'cells-missing',
      `${missing.length} of ${suite.cells} cells are in no part, the first of them cell ${missing[0] + 1}.`,
      'Run the parts that are missing: duo-eval run --shard i/n.',
    );
  }
  return assembled(suite, [...cells.values()]);
}

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
      if (result.eval === 'ppl') check(`Data set ${result.dataset.name}`, result.dataset.sourceSha256, path);
      else if (result.judge) check(`Judge ${result.judge.name}`, result.judge.sha256, path);
      if (result.eval === 'frontier') check('The tokenizer of the sweeps', result.tokenizerSha256, path);
    }
  }
}
