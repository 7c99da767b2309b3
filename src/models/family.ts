/**
 * The model families, by the names that cards use, and what sets one apart from another. A new family is one entry here, and
 * a loss (diffusion/heads/losses.ts); the type checker then names the tables that lack it.
 */

interface Declaration {
  /** What the forward process puts in place of a token; `mixed`: the mask or any token. Null: there is no noise, and tokens come from left to right. */
  readonly noise: 'mask' | 'uniform' | 'mixed' | null;
  /** Whether the published network reads the noise level (configs/algo of the reference implementation). */
  readonly readsNoiseLevel: boolean;
  /** What a sampling step needs besides a draw and its probability (Denoised in samplers/sampler.ts). */
  readonly besidesDraw: 'present' | 'scoreSum' | null;
  /** Whether its text comes in blocks from left to right, with noise inside a block: its first token is given, as a BOS. */
  readonly inBlocks: boolean;
  /** Whether its time goes in T steps, which its schedule says, and not continuously. */
  readonly inSteps: boolean;
  /** What the input `sigma` of a network that reads the noise level is told: σ = −ln α, or the time itself. */
  readonly timestep: 'sigma' | 't';
}

const usual = { besidesDraw: null, inBlocks: false, inSteps: false, timestep: 'sigma' } as const;

const DECLARED = {
  ar: { ...usual, noise: null, readsNoiseLevel: false },
  mdlm: { ...usual, noise: 'mask', readsNoiseLevel: false },
  sedd: { ...usual, noise: 'mask', readsNoiseLevel: true, besidesDraw: 'scoreSum' },
  bd3lm: { ...usual, noise: 'mask', readsNoiseLevel: false, inBlocks: true },
  d3pm: { ...usual, noise: 'mask', readsNoiseLevel: true, besidesDraw: 'present', inSteps: true },
  duo: { ...usual, noise: 'uniform', readsNoiseLevel: true, besidesDraw: 'present' },
  gidd: { ...usual, noise: 'mixed', readsNoiseLevel: true, besidesDraw: 'present', timestep: 't' },
} as const satisfies Record<string, Declaration>;

export type Family = keyof typeof DECLARED;
type FamilyOf<Noise> = {
  [F in Family]: (typeof DECLARED)[F]['noise'] extends Noise ? F : never;
}[Family];

type BlockFamily = {
  [F in Family]: (typeof DECLARED)[F]['inBlocks'] extends true ? F : never;
}[Family];

/** Families whose forward process replaces tokens by a mask token, so that the mask's id must be known. */
export type MaskedFamily = FamilyOf<'mask'>;

export const FAMILIES = Object.keys(DECLARED) as readonly Family[];

/**
 * What follows from the family. `S` is the noise schedule: as a card names it (models/card.ts), or as functions of time
 * (diffusion/schedule.ts).
 */
export type FamilyTraits<S> =
  /** Left to right: no noise. A mask token named by the card is left out of the softmax. */
  | { readonly family: FamilyOf<null>; readonly schedule: null; readonly maskTokenId: number | null }
  | {
      readonly family: Exclude<MaskedFamily, BlockFamily>;
      readonly schedule: S;
      readonly maskTokenId: number;
    }
  | {
      readonly family: BlockFamily;
      readonly schedule: S;
      readonly maskTokenId: number;
      /** L′: tokens per block. */
      readonly blockSize: number;
    }
  /** Masks and uniform noise together: every token is noisy, and the mask is one of the states. */
  | { readonly family: FamilyOf<'mixed'>; readonly schedule: S; readonly maskTokenId: number }
  /** Uniform states. A mask token, if the card names one, has no use. */
  | { readonly family: FamilyOf<'uniform'>; readonly schedule: S; readonly maskTokenId: number | null };

export function isMasked(family: Family): family is MaskedFamily {
  return DECLARED[family].noise === 'mask';
}

/** `isMasked` of a model: the type then says that there is a mask token. */
export function hasMaskToken<M extends { family: Family }>(
  model: M,
): model is Extract<M, { family: MaskedFamily }> {
  return isMasked(model.family);
}

/** Block diffusion. */
export function isInBlocks(family: Family): family is BlockFamily {
  return DECLARED[family].inBlocks;
}

/** `isInBlocks` of a model: the type then says that there is a block size. */
export function hasBlocks<M extends { family: Family }>(
  model: M,
): model is Extract<M, { family: BlockFamily }> {
  return isInBlocks(model.family);
}

/** L′ of a model of block diffusion; of others, nothing. */
export function blockSizeOf(model: FamilyTraits<unknown>): number | undefined {
  return hasBlocks(model) ? model.blockSize : undefined;
}

/**
 * Whether the first token of a text is given and not scored: nothing, or a block's noise, comes before it, or the model says that
 * it never masks it.
 */
export function isFirstGiven({ family, neverMasked }: Masking): boolean {
  if (DECLARED[family].noise === null) return true;
  return (neverMasked ?? usuallyNeverMasked(family)).includes(0);
}

interface Masking {
  family: Family;
  /** Positions that never become the mask; by default those of the family. */
  neverMasked?: readonly number[];
}

/** What the published models of the family never mask: of block diffusion, the first token. */
export const usuallyNeverMasked = (family: Family): readonly number[] => (isInBlocks(family) ? [0] : []);

export function isUniformState(family: Family): family is FamilyOf<'uniform'> {
  return DECLARED[family].noise === 'uniform';
}

/** Masks and uniform noise together. */
export function isMixed(family: Family): family is FamilyOf<'mixed'> {
  return DECLARED[family].noise === 'mixed';
}

/** Families whose noise puts a mask token in place of some tokens, so that no text contains it and no model predicts it. */
export const usesMask = (family: Family): boolean => isMasked(family) || isMixed(family);

/** Denoisers: they have a noise schedule. */
export function isDiffusion(family: Family): family is Exclude<Family, FamilyOf<null>> {
  return DECLARED[family].noise !== null;
}

/** Discrete time: a bound of T terms, of which the first asks about the clean text (diffusion/integration.ts). */
export function isInSteps(family: Family): boolean {
  return DECLARED[family].inSteps;
}

/** Model calls for the loss of one draw: discrete time asks about the clean text too. */
export const callsPerDraw = (family: Family): number => (isInSteps(family) ? 2 : 1);

export function readsNoiseLevel(family: Family): boolean {
  return DECLARED[family].readsNoiseLevel;
}

/** What the published network of the family reads as its noise level. */
export const usualTimestep = (family: Family): 'none' | 'sigma' | 't' =>
  readsNoiseLevel(family) ? DECLARED[family].timestep : 'none';

export function besidesDraw(family: Family): Declaration['besidesDraw'] {
  return DECLARED[family].besidesDraw;
}
