/**
 * Whether this process can still reserve the address space that a JavaScript thread needs. If not, V8 aborts the process
 * (`Failed to reserve virtual memory for CodeRange`), which no program can catch, so this is checked first. Only a limit on
 * address space (`ulimit -v`) matters: the addresses are reserved and hardly used.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { ModelError } from '../errors.js';

/** Bytes of address space. */
export interface AddressSpace {
  limit: number;
  used: number;
  /** Reserved for the stack of each thread; absent: {@link STACK_BYTES}. */
  stack?: number;
}

/** In addition to what is reserved already: 620 to 690 MB for V8 (Node 20, x64), the rest for the runtime's library and stacks. */
const THREAD_BYTES = 900e6;

/** Threads of the runtime that are included in that. */
const FEW_THREADS = 4;
/** What Linux gives a thread by default. */
const STACK_BYTES = 8 * 2 ** 20;
/** The C library reserves this for each thread's allocations, for at most {@link ARENAS_PER_CORE} threads per core. */
const ARENA_BYTES = 64 * 2 ** 20;
const ARENAS_PER_CORE = 8;

/** @returns null if there is no limit, or if it cannot be read (outside Linux) */
export function addressSpace(): AddressSpace | null {
  if (process.platform !== 'linux') return null;
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const limit = /^Max address space +(\d+) /m.exec(limits);
    const used = /^VmSize:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
    const stack = /^Max stack size +(\d+) /m.exec(limits);
    if (!limit || !used) return null;
    return {
      limit: Number(limit[1]),
      used: 1024 * Number(used[1]),
      stack: stack ? Number(stack[1]) : undefined,
    };
  } catch {
    return null;
  }
}

/**
 * @param label what the thread is for   @param threads of the runtime that it starts: if one of them finds no room, the runtime
 * waits for it forever   @throws ModelError `out-of-address-space`
 */
export function checkThreadFits(label: string, threads = 1, space = addressSpace()): void {
  if (space === null) return;
  const more = Math.max(0, threads - FEW_THREADS);
  const arenas = Math.min(more, Math.max(0, ARENAS_PER_CORE * availableParallelism() - FEW_THREADS));
  const needed = THREAD_BYTES + more * (space.stack ?? STACK_BYTES) + arenas * ARENA_BYTES;
  const left = space.limit - space.used;
  if (left >= needed) return;
  const what = more > 0 ? `the network's ${threads} threads take` : 'a thread of its own takes';
  throw new ModelError({
    code: 'out-of-address-space',
    message: `${label}: ${what} ${megabytes(needed)} MB of addresses, and ${megabytes(left)} MB of ${megabytes(space.limit)} are left.`,
    hint: more > 0 ? `Give fewer --threads. ${ADDRESS_SPACE_HINT}` : ADDRESS_SPACE_HINT,
  });
}

export const ADDRESS_SPACE_HINT =
  'Raise the limit on addresses (ulimit -v unlimited); memory itself is limited by a container or a control group.';

export const megabytes = (bytes: number): string => Math.max(0, Math.round(bytes / 1e6)).toString();
