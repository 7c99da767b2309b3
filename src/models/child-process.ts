/** What a process that another one started owes it. */

/** A child of ours that is connected to us: it ends when we do, even if we are killed, and leaves signals to us. */
export function endWithParent(): void {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // A signal often reaches the whole group of processes. The parent finishes what is under way, and then ends this process.
  for (const name of STOP_SIGNALS) process.on(name, () => {});
}

/** SIGUSR1 is Slurm's usual warning, at which Node would open its debugger; SIGUSR2 and SIGHUP would end a process at once. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
