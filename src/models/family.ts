/** The families of models, by the names the cards use. */
export const FAMILIES = ['ar', 'mdlm', 'sedd', 'duo', 'd3pm'] as const;

export type Family = (typeof FAMILIES)[number];

/** Families whose forward process replaces tokens by a mask token, so that a mask id must be known. */
export function isMasked(family: Family): boolean {
  return family === 'mdlm' || family === 'sedd';
}

/** Families that are denoisers: they have a noise schedule. */
export function isDiffusion(family: Family): boolean {
  return family !== 'ar';
}

/** Was the published model of this family told the noise level? (configs/algo of the reference implementation) */
export function conditionsOnTimeByDefault(family: Family): boolean {
  return family === 'duo' || family === 'sedd' || family === 'd3pm';
}
