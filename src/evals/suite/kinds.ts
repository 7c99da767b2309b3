/** The kinds of cells, one line each, in the order of a suite's file and of its cells. */
import type { CellKind } from './cell.js';
import { FRONTIER_CELLS } from './frontier.js';
import { GENERATION_CELLS } from './generation.js';
import { PERPLEXITY_CELLS } from './perplexity.js';
import { TASK_CELLS } from './tasks.js';
import { THROUGHPUT_CELLS } from './throughput.js';

const all = [
  PERPLEXITY_CELLS, //
  GENERATION_CELLS,
  THROUGHPUT_CELLS,
  FRONTIER_CELLS,
  TASK_CELLS,
] as const;

export const CELL_KINDS: readonly CellKind[] = all;

type RequestOf<K> = K extends CellKind<infer _Asked, infer Request> ? Request : never;
/** A cell of any kind; `eval` names it. */
export type SuiteCell = RequestOf<(typeof all)[number]>;

/** The kind of a cell of a suite. */
export function kindOf({ eval: name }: SuiteCell): CellKind {
  const kind = CELL_KINDS.find((one) => one.name === name);
  if (!kind) throw new RangeError(`no kind of cells is called ${name}`);
  return kind;
}
