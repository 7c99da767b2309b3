/** How a token is drawn from x_θ: temperature, top-k and top-p, and their ranges. */
import { NumericalError, UsageError } from '../errors.js';

export interface DrawSettings {
  /** Divides the logits; above 0. */
  temperature: number;
  /** How many of the most probable tokens may be drawn; null for all. */
  topK: number | null;
  /** Share of the probability, in (0, 1], that the most probable tokens must reach; null for all tokens. */
  topP: number | null;
}

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
