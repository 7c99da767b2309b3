/** Checks whether a process is running. */
import { systemCodeOf } from './file-failure.js';

/** Is there a process with this number? It may be another than the one meant. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return systemCodeOf(cause) !== 'ESRCH'; // EPERM: it runs under another user
  }
}
