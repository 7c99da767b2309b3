/** The input and output of an operator's gradient rule. */
import { ModelError } from '../../errors.js';
import type { Contribution } from './contributions.js';
import type { NodeReader } from './node-reader.js';
import type { Shaped } from './shaped.js';

/** A node in the backward pass. */
export interface Site {
  readonly node: NodeReader;
  /** The node's inputs; null for an omitted optional input. */
  readonly inputs: readonly Shaped[];
  readonly outputs: readonly Shaped[];
  /** Gradient of the loss at an output, in a shape that broadcasts to the output's: sufficient as a factor of a product. */
  gradient(output?: number): Shaped;
  /** The same in the full shape of the output. */
  fullGradient(output?: number): Shaped;
  /** Whether the loss depends on an output at all. */
  reaches(output: number): boolean;
  /** Elements of a constant integer input; null if they are known only when the graph runs. */
  integers(input: number): readonly number[] | null;
  /** Whether the gradient at an input is needed. */
  wanted(input: number): boolean;
}

/** The terms that a node adds to the gradient at each of its inputs, in order: one, several, or null for none. Rules may
 *  return terms that nobody needs, because pruning removes them. */
export type Rule = (site: Site) => (Contribution | readonly Contribution[] | null)[];
export type Rules = Readonly<Record<string, Rule>>;

/** @param why a clause about the node, if its operator has a rule but this use of it is not covered */
export function noRule({ operator, proto }: NodeReader, why = 'which has no gradient rule'): ModelError {
  return new ModelError({
    code: 'no-gradient-rule',
    message: `The node "${proto.name}" cannot be differentiated: it is of the operator ${operator}, ${why}.`,
    hint: 'Spell it out in operators that have a rule (graph/differentiate/rules), and build heads without blocks of rows.',
  });
}
