/** Rows of result files as they are read, made of the sample records. */

import type { PerplexityResult } from '../../src/evals/perplexity/record.js';
import { EVALUATIONS } from '../../src/evals/registry.js';
import type { ResultRow } from '../../src/records/evaluation.js';
import { parseResults } from '../../src/records/results-file.js';
import { rowsOf } from '../../src/records/rows.js';
import { perplexityMetrics } from '../../src/records/text-figures.js';
import { sampleResult } from '../records/sample.js';

export function rowsOfResults(results: readonly object[], file = 'results.json'): ResultRow[] {
  const text = JSON.stringify({ schemaVersion: 1, results, comparisons: [] });
  return rowsOf(parseResults(text, file, EVALUATIONS, { allowUnknown: true }), file, EVALUATIONS);
}

/** A result whose sequences cost these nats, of 128 tokens each, 126 of them text. */
export function resultOfNats(nats: readonly number[], name = 'duo', dataset = 'sotu'): PerplexityResult {
  const column = (value: number) => nats.map(() => value);
  return {
    ...sampleResult(name, dataset),
    metrics: perplexityMetrics({ nats, tokens: column(128), textBytes: column(260), natsMcStderr: 0 }),
    cost: { ...sampleResult(name).cost, sequences: nats.length },
    sequences: {
      nats: [...nats],
      tokens: column(128),
      textNats: nats.map((one) => one - 4),
      textTokens: column(126),
    },
  };
}

export const withoutSequences = ({ sequences: _, ...rest }: PerplexityResult): object => rest;
