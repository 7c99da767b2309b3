/** Which processes there are. */
import { systemCodeOf } from './file-failure.js';

/** Is there a process of this number? It need not be the one that was meant. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return systemCodeOf(cause) !== 'ESRCH'; // EPERM: it lives, under another user
  }
}
