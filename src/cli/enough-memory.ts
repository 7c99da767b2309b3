/**
 * What can be said of a process that gets too little memory. Before a command is loaded: whether there are addresses for
 * it, since V8 aborts a process that has none. Afterwards: errors that mean nothing else.
 */
import { FileError } from '../errors.js';
import { ADDRESS_SPACE_HINT, addressSpace, megabytes } from '../models/address-space.js';

/** Beside those that Node itself has. Commands that run no model were seen to take 280 MB. */
const NEEDED = 400e6;

/** @throws FileError `out-of-address-space` */
export function checkAddressSpace(space = addressSpace()): void {
  if (space === null || space.limit - space.used >= NEEDED) return;
  throw new FileError({
    code: 'out-of-address-space',
    message: `Only ${megabytes(space.limit - space.used)} MB of addresses are left to this process, and duo-eval needs ${megabytes(NEEDED)} before it runs a model.`,
    hint: ADDRESS_SPACE_HINT,
  });
}

const MEANS_NO_MEMORY =
  /array buffer allocation failed|could not allocate memory|WebAssembly\.\w+\(\): out of memory/i;

/** Null for what may have another cause. */
export function noMemory(error: unknown): FileError | null {
  if (!(error instanceof Error)) return null;
  const { code } = error as NodeJS.ErrnoException;
  const isMemory =
    MEANS_NO_MEMORY.test(error.message) ||
    ['ERR_WORKER_OUT_OF_MEMORY', 'ERR_MEMORY_ALLOCATION_FAILED', 'ENOMEM'].includes(code ?? '');
  if (!isMemory) return null;
  return new FileError({
    code: 'out-of-memory',
    message: `The memory does not suffice: ${error.message.replace(/[.!?]?$/, '.')}`,
    hint: addressSpace()
      ? ADDRESS_SPACE_HINT
      : 'Use a smaller --batch or --length, or run it where there is more memory.',
    cause: error,
  });
}
