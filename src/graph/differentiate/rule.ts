/** What an operator's gradient rule is given and what it answers. */
import { ModelError } from '../../errors.js';
import type { Contribution } from './contributions.js';
import type { NodeReader } from './node-reader.js';
import type { Shaped } from './shaped.js';

/** A node, seen from behind. */
export interface Site {
  readonly node: NodeReader;
  /** What the node read; an optional input left out is null. */
  readonly inputs: readonly Shaped[];
  readonly outputs: readonly Shaped[];
  /** Gradient of the loss at an output, of a shape that broadcasts to the output's: enough where it is multiplied on. */
  gradient(output?: number): Shaped;
  /** The same in the output's own shape. */
  fullGradient(output?: number): Shaped;
  /** Whether the loss depends on an output at all. */
  reaches(output: number): boolean;
  /** Elements of an input that is a constant of integers; null where they are known only when the graph runs. */
  integers(input: number): readonly number[] | null;
  /** Whether anyone asks for the gradient at an input. */
  wanted(input: number): boolean;
}

/** What a node adds to the gradient at each of its inputs, in their order: a term, several, or null for nothing. Rules need
 *  not ask what is wanted: what is not is left out of the graph when it is pruned. */
export type Rule = (site: Site) => (Contribution | readonly Contribution[] | null)[];
export type Rules = Readonly<Record<string, Rule>>;

/** @param why a clause about the node, where its operator has a rule but not for this use of it */
export function noRule({ operator, proto }: NodeReader, why = 'which has no gradient rule'): ModelError {
  return new ModelError({
    code: 'no-gradient-rule',
    message: `The node "${proto.name}" cannot be differentiated: it is of the operator ${operator}, ${why}.`,
    hint: 'Spell it out in operators that have a rule (graph/differentiate/rules), and build heads without blocks of rows.',
  });
}
