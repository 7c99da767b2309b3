/** The columns of a CSV row that say where it ran: the last ones of every evaluation. */
import type { EnvironmentRecord } from '../records/record.js';
import type { Cell } from './csv.js';

type Ran = { environment: EnvironmentRecord };

export const ENVIRONMENT_CSV: readonly (readonly [string, (result: Ran) => Cell])[] = [
  ['tool', ({ environment }) => environment.tool],
  ['node', ({ environment }) => environment.node],
  ['onnxruntime', ({ environment }) => environment.onnxruntime],
  ['provider', ({ environment }) => environment.provider],
  ['threads', ({ environment }) => environment.threads],
  ['cpu', ({ environment }) => environment.cpu],
];
