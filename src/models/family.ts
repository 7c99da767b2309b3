/** The model families, by the names that cards use, and what a model of each family has besides its network. */
export const FAMILIES = ['ar', 'mdlm', 'sedd', 'bd3lm', 'duo', 'd3pm'] as const;

export type Family = (typeof FAMILIES)[number];

/** Families whose forward process replaces tokens by a mask token, so that the mask's id must be known. */
export type MaskedFamily = 'mdlm' | 'sedd' | 'bd3lm';

/**
 * What follows from the family. `S` is the noise schedule: as a card names it (models/card.ts), or as functions of time
 * (diffusion/schedule.ts).
 */
export type FamilyTraits<S> =
  /** Left to right: no noise. A mask token named by the card is left out of the softmax. */
  | { readonly family: 'ar'; readonly schedule: null; readonly maskTokenId: number | null }
  | { readonly family: 'mdlm' | 'sedd'; readonly schedule: S; readonly maskTokenId: number }
  /** Block diffusion: masked diffusion inside a block, from left to right over blocks. */
  | {
      readonly family: 'bd3lm';
      readonly schedule: S;
      readonly maskTokenId: number;
      /** L′: tokens per block. */
      readonly blockSize: number;
    }
  /** Uniform-state, and D3PM, for which there is no loss yet. A mask token, if the card names one, has no use. */
  | { readonly family: 'duo' | 'd3pm'; readonly schedule: S; readonly maskTokenId: number | null };

export function isMasked(family: Family): family is MaskedFamily {
  return family === 'mdlm' || family === 'sedd' || family === 'bd3lm';
}

/** `isMasked` of a model: the type then says that there is a mask token. */
export function hasMaskToken<M extends { family: Family }>(
  model: M,
): model is Extract<M, { family: MaskedFamily }> {
  return isMasked(model.family);
}

/** Denoisers: they have a noise schedule. */
export function isDiffusion(family: Family): family is Exclude<Family, 'ar'> {
  return family !== 'ar';
}

/** Does the published network of this family read the noise level? (configs/algo of the reference implementation) */
export function conditionsOnTimeByDefault(family: Family): boolean {
  return family === 'duo' || family === 'sedd' || family === 'd3pm';
}
