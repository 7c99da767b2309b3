/** Post-processors add special tokens, which we do not ask for. What else they may do is refused. */
import { z } from 'zod';
import { fields, type Part, partsOf, type TokenizerBudget, UnusableTokenizer, unknownPart } from './part.js';

const WHAT = 'post-processor';

/** @throws UnusableTokenizer for one that changes more than special tokens */
export function checkPostProcessor(part: Part, budget: TokenizerBudget): void {
  budget.takePart();
  switch (part.type) {
    case 'ByteLevel':
    case 'BertProcessing':
    case 'RobertaProcessing':
      return;
    case 'Sequence': {
      const { processors } = fields(part, WHAT, { processors: z.array(z.unknown()) });
      for (const inner of partsOf(processors, WHAT)) checkPostProcessor(inner, budget);
      return;
    }
    case 'TemplateProcessing': {
      const { single } = fields(part, WHAT, { single: z.array(z.record(z.string(), z.unknown())) });
      if (single.filter((piece) => Object.hasOwn(piece, 'Sequence')).length !== 1)
        throw new UnusableTokenizer(
          'the template of its post-processor has not exactly one place for the text',
        );
      return;
    }
    default:
      unknownPart(part, WHAT);
  }
}
