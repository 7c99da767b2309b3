/**
 * A thread that ends its whole process when the process's parent is gone. The event of a closed channel is not enough: the
 * main thread may be in native code that never comes back, which is what such a process is there to find.
 *
 * workerData: the parent's id.
 */
import { workerData } from 'node:worker_threads';

const LOOK_EVERY_MS = 500;

setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL');
}, LOOK_EVERY_MS);
