// Loaded into a process by --import: on its exit, the most memory it ever had resident goes to file descriptor 3, in bytes.
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS * 1024)));
