/**
 * What a person reads of a result, one column an entry, shared by the table and the markdown printer. The first five
 * are always shown; the rest follow in order of interest as the width allows.
 */

import { apartTexts } from '../records/distinctions.js';
import type { PerplexityResult, Result } from '../records/record.js';
import { plainText } from '../terminal-text.js';
import { count, errorAlone, intervalOf, plain, valueAlone, valueWithError } from './numbers.js';

export interface Column<R extends Result = PerplexityResult> {
  title: string;
  align: 'left' | 'right';
  /** What the cell says, plain text on one line; empty when unknown. */
  cell: (result: R) => string;
  /** Broken at spaces where it is narrowed, instead of cut. */
  wraps?: boolean;
}

/** The columns of an evaluation. */
export interface ColumnSet<R extends Result> {
  /** Always shown where there is room for them. */
  essential: readonly Column<R>[];
  /** In order of interest, as the width allows. */
  further: readonly Column<R>[];
  /** Those of the essential ones that hold names, which give way first. */
  names: readonly Column<R>[];
}

export const left = <R extends Result = PerplexityResult>(
  title: string,
  cell: Column<R>['cell'],
): Column<R> => ({ title, align: 'left', cell });
export const right = <R extends Result = PerplexityResult>(
  title: string,
  cell: Column<R>['cell'],
): Column<R> => ({ title, align: 'right', cell });

const MODEL = left('model', ({ model }) => plainText(model.name));
const DATASET = left('dataset', ({ dataset }) => plainText(dataset.name));
export const DRAW_ERROR = right('draw error', ({ metrics }) => errorAlone(metrics.nll.mcStderr));

const ESSENTIAL: readonly Column[] = [
  MODEL,
  DATASET,
  right('perplexity', ({ metrics }) => valueWithError(metrics.ppl)),
  right('95% interval', ({ metrics }) => intervalOf(metrics.ppl)),
  right('bits/byte', ({ metrics }) => valueAlone(metrics.bitsPerByte)),
];

const FURTHER: readonly Column[] = [
  right('nats/token', ({ metrics }) => valueWithError(metrics.nll)),
  DRAW_ERROR,
  right('sequences', ({ cost }) => count(cost.sequences)),
  right('tokens', ({ cost }) => count(cost.tokens)),
  right('draws', ({ protocol }) => count(protocol.draws)),
  left('protocol', ({ protocol }) => plainText(protocol.name)),
  right('tokens/s', ({ cost }) => plain(cost.tokensPerSecond)),
  left('family', ({ model }) => plainText(model.family)),
  right('model calls', ({ cost }) => count(cost.modelCalls)),
  right('seconds', ({ cost }) => plain(cost.wallSeconds)),
];

/** With a column of what differs, after the name columns, where rows would look alike without it. */
export function toldApart<R extends Result>(
  results: readonly R[],
  set: ColumnSet<R>,
  labelOf: (result: R) => string,
): ColumnSet<R> {
  const texts = apartTexts(results, labelOf);
  if (texts.every((text) => text === '')) return set;
  const told = new Map(results.map((result, i) => [result, texts[i]]));
  const apart = { ...left<R>('with', (result) => told.get(result) ?? ''), wraps: true };
  const [name, ...rest] = set.essential;
  const after = rest.findIndex(({ align }) => align === 'right');
  return {
    ...set,
    essential: [name, ...rest.slice(0, after), apart, ...rest.slice(after)],
    names: [...set.names, apart],
  };
}

export function perplexityColumns(results: readonly PerplexityResult[]): ColumnSet<PerplexityResult> {
  return toldApart(results, PERPLEXITY_COLUMNS, ({ model, dataset }) =>
    JSON.stringify([model.name, dataset.name]),
  );
}

const PERPLEXITY_COLUMNS: ColumnSet<PerplexityResult> = {
  essential: ESSENTIAL,
  further: FURTHER,
  names: [MODEL, DATASET],
};
