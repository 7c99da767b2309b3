/** From losses per sequence to errors and differences over units of text: for the rows of a run or a suite. */
import type { Observer } from '../../observer.js';
import { POLICY_FIELDS } from '../../records/distinctions.js';
import type { Comparison, SequencesRecord } from '../../records/record.js';
import {
  longestBlock,
  pairedComparison,
  perplexityMetrics,
  type SequenceLosses,
  type TextLosses,
} from '../../records/text-figures.js';
import { ENOUGH_CORRELATION_LENGTHS, LEAST_UNITS } from '../../statistics/text-ratio.js';
import type { PerplexityMetrics, PerplexityResult } from './record.js';

/** A model on a data set, with its losses where available. */
export interface EvaluatedText {
  result: PerplexityResult;
  losses: (SequenceLosses & TextLosses) | null;
}

interface ErrorsOverText {
  results: PerplexityResult[];
  comparisons: Comparison[];
}

/** From records that hold the losses of their sequences. */
export function errorsOverText(results: readonly PerplexityResult[]): ErrorsOverText {
  return errorsOfTexts(
    results.map((result) => ({ result, losses: result.sequences ? lossesOf(result.sequences) : null })),
  );
}

/**
 * Rows and their comparisons, with one block length per packed stream: the longest that any of its rows and pairs needs.
 * Errors over draws are unchanged, to the last digit.
 */
export function errorsOfTexts(rows: readonly EvaluatedText[]): ErrorsOverText {
  const pairs = pairsOf(rows);
  const found = new Map(rows.map(({ result }) => [result, result]));
  const lengths = new Map<string, number>();
  for (const stream of new Set(rows.map(streamOf))) {
    const alike = rows.filter((row) => streamOf(row) === stream).filter(holdsBytes);
    const ofPairs = pairs.filter(({ a }) => streamOf(a) === stream);
    // A row alone has the block length that it needs already.
    if (alike.length === 1 && ofPairs.length === 0) continue;
    const length = longestBlock(
      alike.map(({ losses }) => losses),
      ofPairs.map(({ a, b }) => [a.losses, b.losses] as const),
    );
    lengths.set(stream, length);
    for (const { result, losses } of alike)
      found.set(result, { ...result, metrics: metricsOf(result, losses, length) });
  }
  const seeds = new Set(rows.map(({ result }) => result.protocol.seed).filter((seed) => seed !== null));
  return {
    results: [...found.values()],
    comparisons: pairs.map(({ a, b, seed }) => ({
      a: a.result.model.name,
      b: b.result.model.name,
      dataset: a.result.dataset.name,
      ...pairedComparison(a.losses, b.losses, lengths.get(streamOf(a))),
      ...(seeds.size > 1 && seed !== null && { seed }),
    })),
  };
}

type WithLosses = EvaluatedText & { losses: SequenceLosses & TextLosses };
const hasLosses = (row: EvaluatedText): row is WithLosses => row.losses !== null;
/** Bytes are recorded from protocol version 2 on. */
const holdsBytes = (row: EvaluatedText): row is WithLosses =>
  hasLosses(row) && row.losses.textBytes.length === row.losses.nats.length;

/** Whether both are of one data set, packed alike. */
const streamOf = ({ result: { dataset } }: EvaluatedText) => JSON.stringify([dataset.name, dataset.sha256]);

/**
 * Models in pairs, on the same stream and from the same seed; exact models, which use no seed, with every other. An exact likelihood
 * under a policy pairs with those of the same policy, and with ar, not with bounds.
 */
function pairsOf(rows: readonly EvaluatedText[]): { a: WithLosses; b: WithLosses; seed: number | null }[] {
  return rows.filter(hasLosses).flatMap((a, i, all) =>
    all.slice(i + 1).flatMap((b) => {
      const [seedA, seedB] = [a.result.protocol.seed, b.result.protocol.seed];
      const isOneSeed = seedA === seedB || seedA === null || seedB === null;
      const isPair = a.result.model.name !== b.result.model.name && streamOf(a) === streamOf(b);
      return isPair && isOneSeed && haveOneLikelihood(a.result, b.result)
        ? [{ a, b, seed: seedA ?? seedB }]
        : [];
    }),
  );
}

function haveOneLikelihood(a: PerplexityResult, b: PerplexityResult): boolean {
  const [first, second] = [a, b].map(({ model, protocol }) =>
    model.family === 'ar'
      ? null
      : JSON.stringify(Object.values(POLICY_FIELDS).map((field) => protocol[field])),
  );
  return first === second || first === null || second === null;
}

function lossesOf({ textBytes = [], document, ...columns }: SequencesRecord): SequenceLosses & TextLosses {
  return { ...columns, textBytes, documents: document ?? null };
}

function metricsOf(
  { metrics }: PerplexityResult,
  losses: SequenceLosses,
  blockLength: number,
): PerplexityMetrics {
  const found = perplexityMetrics({ ...losses, natsMcStderr: null }, blockLength);
  const withDraws = (name: keyof PerplexityMetrics) => ({
    ...found[name],
    mcStderr: metrics[name].mcStderr,
  });
  return { ppl: withDraws('ppl'), nll: withDraws('nll'), bitsPerByte: withDraws('bitsPerByte') };
}

/** Warns where there is no interval, or one that covers less often than 95%: once per data set. */
export function warnOfUnits(rows: readonly PerplexityResult[], { warn }: Observer): void {
  for (const name of new Set(rows.map(({ dataset }) => dataset.name))) {
    const warnings = rows.filter(({ dataset }) => dataset.name === name).map(unitsWarning);
    const [worst] = warnings.filter((one) => one !== null).sort((a, b) => a.worth - b.worth);
    if (worst) warn?.(`${name}: ${worst.text}`);
  }
}

/** @returns what is wrong with the units of a row, and the effective number of independent sequences */
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
      `neighbouring sequences are so similar that the text carries as much information as about ${Math.round(worth)} independent ones. ` +
      'An interval from so little covers less often than 95% (duo-eval calibrate --intervals shows how often); more text, or a file that tells its documents apart, would help.',
  };
}
