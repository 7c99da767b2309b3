/** How long the threads of a process could have run and did not, since other programs had the processors. */
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Summed over the threads there are: of a process with one busy thread about right, of one with several too much, which
 * makes a judge of what it waits for lenient. 0 where the system does not say (it is no Linux).
 * @param {number | 'self'} pid   @returns milliseconds since the process began
 */
export function starvedMs(pid = 'self') {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + waitOf(pid, thread), 0);
  } catch {
    return 0;
  }
}

function waitOf(pid, thread) {
  try {
    // Nanoseconds on a processor, and waiting for one; and how often it was given one.
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[1]) / 1e6 || 0;
  } catch {
    return 0; // it ended meanwhile
  }
}
