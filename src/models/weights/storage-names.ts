/** The storage types of matrices; separate from their code, so that flags can list them without loading it. */
export const STORAGE_TYPES = ['float32', 'float16', 'int8', 'int4'] as const;

export type StorageType = (typeof STORAGE_TYPES)[number];

/** Values that share a scale in 4-bit storage. */
export const INT4_BLOCKS = [16, 32, 64, 128] as const;

/** What flows into products with int8 and int4 matrices: as it is, or rounded to int8 by token or block. */
export const ACTIVATIONS = ['int8', 'float32'] as const;

/** How int8 and int4 round. */
export interface Rounding {
  /** `int8` by default, for which processors have instructions. */
  activations?: (typeof ACTIVATIONS)[number];
  /** Of int4: values of one output that share a scale; 32 by default. */
  block?: (typeof INT4_BLOCKS)[number];
  /** Of int4: codes lie evenly around 0, without a zero point per block. Default: false. */
  symmetric?: boolean;
}
