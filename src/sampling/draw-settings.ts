/** The ranges of temperature, top-k and top-p, and the error of logits that are not finite. */
import { NumericalError, UsageError } from '../errors.js';
import type { DrawSettings } from '../records/samples-file.js';

/** @throws UsageError naming the flag */
export function checkDrawSettings({ temperature = 1, topK, topP }: Partial<DrawSettings>): void {
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new UsageError({
      code: 'temperature-out-of-range',
      message: `The temperature must be a number above 0, not ${temperature}.`,
      hint: 'Give --temperature a number above 0; the sampler greedy-tail takes the most probable token at its last step.',
    });
  }
  if (topK != null && !(Number.isInteger(topK) && topK >= 1)) {
    throw new UsageError({
      code: 'top-k-out-of-range',
      message: `Top-k keeps a whole number of tokens, at least 1, not ${topK}.`,
      hint: 'Give --top-k such a number, or leave it out.',
    });
  }
  if (topP != null && !(topP > 0 && topP <= 1)) {
    throw new UsageError({
      code: 'top-p-out-of-range',
      message: `Top-p keeps a share of the probability above 0 and at most 1, not ${topP}.`,
      hint: 'Give --top-p such a number, or leave it out.',
    });
  }
}

/** @param what continues «The logits …»: whose they are and where */
export function notFiniteLogits(what: string): NumericalError {
  return new NumericalError({
    code: 'not-finite',
    message: `The logits ${what}`,
    hint: 'A float16 export can overflow: try it in float32. With --temperature far below 1, try a higher one.',
  });
}
