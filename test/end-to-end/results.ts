import type { PerplexityResult } from '../../src/evals/perplexity/record.js';
import { EVALUATIONS } from '../../src/evals/registry.js';
import type { ResultsFile } from '../../src/records/record.js';
import { parseResults } from '../../src/records/results-file.js';
import type { Ran } from '../support/run.js';

/** What a run of ppl under --json printed, held to the schema. */
export function resultsOf({ stdout }: Pick<Ran, 'stdout'>): ResultsFile<PerplexityResult> {
  return parseResults(stdout, 'stdout', EVALUATIONS) as ResultsFile<PerplexityResult>;
}

/** What must not depend on how the work was done: everything but cost and environment. */
export function figures({ results, comparisons }: ResultsFile<PerplexityResult>): unknown {
  return {
    results: results.map(({ cost, environment: _, ...facts }) => ({
      ...facts,
      sequences: cost.sequences,
      tokens: cost.tokens,
      modelCalls: cost.modelCalls,
    })),
    comparisons,
  };
}
