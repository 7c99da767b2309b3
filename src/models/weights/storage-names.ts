/** The storage types of matrices; separate from their code, so that flags can list them without loading it. */
export const STORAGE_TYPES = ['float32', 'float16', 'int8', 'int4'] as const;

export type StorageType = (typeof STORAGE_TYPES)[number];

/** Values that share a scale in 4-bit storage. */
export const INT4_BLOCKS = [32, 64, 128] as const;

/** How 4-bit storage rounds. */
export interface FourBits {
  /** Values of one output that share a scale; 32 by default. */
  block?: (typeof INT4_BLOCKS)[number];
  /** Codes lie evenly around 0, without a zero point per block. Default: false. */
  symmetric?: boolean;
}
