/**
 * Whether this process can still reserve the address space that a JavaScript thread needs. If not, V8 aborts the process
 * (`Failed to reserve virtual memory for CodeRange`), which no program can catch, so this is checked first. Only a limit on
 * address space (`ulimit -v`) matters: the addresses are reserved and hardly used.
 */
import { readFileSync } from 'node:fs';
import { ModelError } from '../errors.js';

/** Bytes of address space. */
export interface AddressSpace {
  limit: number;
  used: number;
}

/** In addition to what is reserved already: 620 to 690 MB for V8 (Node 20, x64), the rest for the runtime's library and stacks. */
const THREAD_BYTES = 900e6;

/** @returns null if there is no limit, or if it cannot be read (outside Linux) */
export function addressSpace(): AddressSpace | null {
  if (process.platform !== 'linux') return null;
  try {
    const limit = /^Max address space +(\d+) /m.exec(readFileSync('/proc/self/limits', 'utf8'));
    const used = /^VmSize:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return limit && used ? { limit: Number(limit[1]), used: 1024 * Number(used[1]) } : null;
  } catch {
    return null;
  }
}

/** @param label what the thread is for   @throws ModelError `out-of-address-space` */
export function checkThreadFits(label: string, space = addressSpace()): void {
  if (space === null || space.limit - space.used >= THREAD_BYTES) return;
  throw new ModelError({
    code: 'out-of-address-space',
    message: `${label}: a thread of its own takes ${megabytes(THREAD_BYTES)} MB of addresses, and ${megabytes(space.limit - space.used)} MB of ${megabytes(space.limit)} are left.`,
    hint: ADDRESS_SPACE_HINT,
  });
}

export const ADDRESS_SPACE_HINT =
  'Raise the limit on addresses (ulimit -v unlimited); memory itself is limited by a container or a control group.';

export const megabytes = (bytes: number): string => Math.max(0, Math.round(bytes / 1e6)).toString();
