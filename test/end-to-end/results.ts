import type { PerplexityResult, ResultsFile } from '../../src/results/record.js';
import { parseResults } from '../../src/results/schema.js';
import type { Ran } from '../cli/probe-package.js';

/** What a run under --json printed, held to the schema. */
export function resultsOf({ stdout }: Pick<Ran, 'stdout'>): ResultsFile {
  return parseResults(stdout, 'stdout');
}

/** What must not depend on how the work was done: everything but cost and environment. */
export function figures({ results, comparisons }: ResultsFile): unknown {
  return {
    results: results.map(({ cost, environment: _, ...facts }: PerplexityResult) => ({
      ...facts,
      sequences: cost.sequences,
      tokens: cost.tokens,
      modelCalls: cost.modelCalls,
    })),
    comparisons,
  };
}
