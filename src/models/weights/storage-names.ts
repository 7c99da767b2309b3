/** The storage types of matrices; separate from their code, so that flags can list them without loading it. */
export const STORAGE_TYPES = ['float32', 'float16', 'int8'] as const;

export type StorageType = (typeof STORAGE_TYPES)[number];
