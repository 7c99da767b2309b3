// Loaded into a process by --import: on its exit, the most memory it ever had resident goes to file descriptor 3, in bytes; with
// WITH_CPU in the environment also its processor time, in seconds.
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

if (isMainThread)
  process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    const cpu = process.env.WITH_CPU ? ` ${(userCPUTime + systemCPUTime) / 1e6}` : '';
    writeSync(3, `${maxRSS * 1024}${cpu}`);
  });
