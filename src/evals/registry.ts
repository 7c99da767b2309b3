/** The evaluations, one line each. A new one is a folder here and a line below. */
import { type Evaluation, Evaluations } from '../records/evaluation.js';
import { FRONTIER } from './frontier/evaluation.js';
import { GENERATION } from './generation/evaluation.js';
import { PERPLEXITY } from './perplexity/evaluation.js';
import { TASKS } from './tasks/evaluation.js';
import { THROUGHPUT } from './throughput/evaluation.js';

const all = [
  PERPLEXITY, //
  GENERATION,
  THROUGHPUT,
  FRONTIER,
  TASKS,
] as const;

export const EVALUATIONS = new Evaluations(all);

type ResultOf<E> = E extends Evaluation<infer R> ? R : never;
/** A result of any evaluation; `eval` names it. */
export type Result = ResultOf<(typeof all)[number]>;
