/** The architectures by name; separate from their code, so that flags can list them without loading it. */
export const ARCHITECTURE_NAMES = ['dit', 'causal', 'block-diffusion'] as const;

export type ArchitectureName = (typeof ARCHITECTURE_NAMES)[number];
