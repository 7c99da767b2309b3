/** The operators that can be differentiated. Any other operator between a weight and the loss is an error. */
import type { Rule } from '../rule.js';
import { arithmeticRules } from './arithmetic.js';
import { fusedRules } from './fused.js';
import { indexingRules } from './indexing.js';
import { layoutRules } from './layout.js';
import { productRules } from './products.js';
import { reductionRules } from './reductions.js';

export const gradientRules: Readonly<Record<string, Rule | undefined>> = {
  ...arithmeticRules,
  ...productRules,
  ...reductionRules,
  ...layoutRules,
  ...indexingRules,
  ...fusedRules,
};
