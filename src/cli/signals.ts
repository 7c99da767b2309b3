/**
 * Signals as an AbortSignal. The first one aborts it: the command stops at its next safe place and keeps what a later run can
 * continue. The second one ends the process at once. Ctrl-C (SIGINT) is a person's, and the exit status is 130. Any other
 * signal comes from a scheduler, or from a machine that shuts down: status 75, run the same command again.
 *
 * bin/run.js handles signals from its first line on; watchSignals replaces those handlers.
 */
import { InterruptedError, UnfinishedError } from '../errors.js';
import { STOP_SIGNALS } from '../models/child-process.js';
import { abandonNativeCalls } from '../models/native-exit.js';
import { keptWork } from '../storage/kept-work.js';

/** Time for the current model call to end after the first signal; after that it is abandoned. */
const CALL_MS = 5000;

const controller = new AbortController();
/** Whether a command stops by itself once the signal is aborted. */
let isHeard = false;

/** To be called before anything else. @param end ends the process where no command listens */
export function watchSignals(end: (reason: InterruptedError) => void): void {
  const onSignal = (name: NodeJS.Signals) => {
    const reason = interruptionBy(name);
    if (controller.signal.aborted) process.exit(reason.exitCode);
    controller.abort(reason);
    if (isHeard) setTimeout(() => abandonNativeCalls(reason), CALL_MS).unref();
    else end(reason);
  };
  for (const name of STOP_SIGNALS) {
    const before = process.listeners(name);
    process.on(name, onSignal);
    for (const listener of before) process.off(name, listener);
  }
}

/** The process's one interruption signal, for a command that stops when it is aborted. */
export function interruptSignal(): AbortSignal {
  isHeard = true;
  return controller.signal;
}

/** What an interrupted command throws: the signal's reason, even when an AbortError hides it. */
export function interruptionBehind(error: unknown): InterruptedError | null {
  if (error instanceof InterruptedError) return error;
  const reason: unknown = controller.signal.aborted ? controller.signal.reason : undefined;
  const isAbort = error instanceof Error && error.name === 'AbortError';
  return isAbort && reason instanceof InterruptedError ? reason : null;
}

/** The hint of an interruption: what is not lost, which is known only once the command has stopped. */
export function adviceAfterInterruption(): string {
  const kept = keptWork();
  if (kept.length === 0) return 'Nothing was kept: the same command starts again.';
  return `The same command continues. Kept: ${kept.map(inSentence).join('; ')}.${reached === null ? '' : ` Reached: ${reached}.`}`;
}

const inSentence = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

let reached: string | null = null;

/** How far the work was when it was stopped: `duo on sotu, 3160 of 6000`. */
export function noteReached(place: string | null): void {
  reached = place;
}

function interruptionBy(name: NodeJS.Signals): InterruptedError {
  return name === 'SIGINT'
    ? new InterruptedError({ code: 'interrupted', message: 'Interrupted.' })
    : new UnfinishedError({ code: 'unfinished', message: `Stopped by ${name} before it was finished.` });
}
