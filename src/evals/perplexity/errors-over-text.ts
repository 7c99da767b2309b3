/** From the losses of a run's rows to their errors and differences over units of text, and what must be said of those. */
import type { PackedStream } from '../../datasets/packed-stream.js';
import type { Comparison, PerplexityResult } from '../../records/record.js';
import { longestBlock, pairedComparison, perplexityMetrics } from '../../records/text-figures.js';
import { ENOUGH_CORRELATION_LENGTHS, LEAST_UNITS } from '../../statistics/text-ratio.js';
import type { CellNotices } from './cells.js';
import type { PerplexityEstimate } from './zero-shot-perplexity.js';

/** A model on a data set. */
export interface Evaluated {
  stream: PackedStream;
  estimate: PerplexityEstimate;
  result: PerplexityResult;
}

/** Rows and their comparisons, with one block length a data set (text-figures.ts). */
export function withErrorsOverText(
  evaluated: readonly Evaluated[],
  { note }: Pick<CellNotices, 'note'>,
): { rows: PerplexityResult[]; comparisons: Comparison[] } {
  const rows = new Map(evaluated.map((one) => [one, one.result]));
  const comparisons: Comparison[] = [];
  for (const name of new Set(evaluated.map(({ stream }) => stream.name))) {
    const onDataset = evaluated.filter(({ stream }) => stream.name === name);
    const lengths = new Map<string, number>();
    for (const sha256 of new Set(onDataset.map(({ stream }) => stream.sha256))) {
      const alike = onDataset.filter(({ stream }) => stream.sha256 === sha256);
      const losses = alike.map(({ estimate }) => estimate.losses);
      const length = longestBlock(losses, pairsOf(losses));
      lengths.set(sha256, length);
      for (const one of alike)
        rows.set(one, { ...one.result, metrics: perplexityMetrics(one.estimate.losses, length) });
    }
    for (const [a, b] of pairsOf(onDataset)) {
      const names = { a: a.result.model.name, b: b.result.model.name, dataset: name };
      if (a.stream.sha256 !== b.stream.sha256) {
        note(
          `${names.a} and ${names.b} are not compared on ${name}: their packed streams differ (tokenizer or length).`,
        );
        continue;
      }
      const length = lengths.get(a.stream.sha256);
      comparisons.push({ ...names, ...pairedComparison(a.estimate.losses, b.estimate.losses, length) });
    }
  }
  return { rows: [...rows.values()], comparisons };
}

function pairsOf<T>(all: readonly T[]): (readonly [T, T])[] {
  return all.flatMap((a, i) => all.slice(i + 1).map((b) => [a, b] as const));
}

/** What there is no interval of, or one that covers less often than it says: once a data set. */
export function warnOfUnits(rows: readonly PerplexityResult[], { warn }: Pick<CellNotices, 'warn'>): void {
  for (const name of new Set(rows.map(({ dataset }) => dataset.name))) {
    const warnings = rows.filter(({ dataset }) => dataset.name === name).map(unitsWarning);
    const [worst] = warnings.filter((one) => one !== null).sort((a, b) => a.worth - b.worth);
    if (worst) warn(`${name}: ${worst.text}`);
  }
}

/** @returns what is wrong with a row's units, and how many independent sequences its text is worth */
function unitsWarning({ metrics, cost }: PerplexityResult): { worth: number; text: string } | null {
  const { unit, units = 0, designEffect } = metrics.nll;
  if (units < LEAST_UNITS) {
    const what = `${unit === 'document' ? 'long document' : 'sequence'}${units === 1 ? '' : 's'}`;
    return {
      worth: 0,
      text: `${units} ${what}: too few for an interval. Give at least ${LEAST_UNITS}, better 20: more text, or a shorter --length.`,
    };
  }
  if (unit !== 'block' || !designEffect || designEffect <= 1.5) return null;
  const worth = cost.sequences / designEffect;
  if (worth >= ENOUGH_CORRELATION_LENGTHS) return null;
  return {
    worth,
    text:
      `neighbouring sequences are so much alike that the text tells as much as about ${Math.round(worth)} independent ones. ` +
      'An interval from so little covers less often than 95% (duo-eval calibrate --intervals shows how often); more text, or a file that tells its documents apart, would help.',
  };
}
