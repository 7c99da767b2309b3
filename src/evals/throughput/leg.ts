/** Loaded before an installation that is timed (installations.ts), which may be an older one: it ends when the process that times it does. */
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref(); // it may end before, by itself
