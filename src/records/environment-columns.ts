/** The columns of a CSV that say where a row ran, the same for every evaluation. */
import { type Column, count, text } from '../printing/columns.js';
import type { EnvironmentRecord } from './record.js';

export const environmentColumns: readonly Column<{ environment: EnvironmentRecord }>[] = [
  text('tool', ({ environment }) => environment.tool),
  text('node', ({ environment }) => environment.node),
  text('onnxruntime', ({ environment }) => environment.onnxruntime),
  text('provider', ({ environment }) => environment.provider),
  count('threads', ({ environment }) => environment.threads),
  text('cpu', ({ environment }) => environment.cpu),
];
