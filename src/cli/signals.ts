/**
 * Ctrl-C and SIGTERM as an AbortSignal. The first one asks: the signal aborts with an InterruptedError (exit 130), and
 * the command stops at its next safe place, leaving a journal that a later run takes up. The second one ends the
 * process at once.
 */
import { InterruptedError } from '../errors.js';
import { abandonNativeCalls } from '../models/native-exit.js';

/** Time in which a model call that is under way may end after the first signal; one without end is given up then. */
const CALL_MS = 5000;

let controller: AbortController | undefined;

/** The process's one interruption signal; listeners are installed when it is first asked for. */
export function interruptSignal(): AbortSignal {
  if (controller) return controller.signal;
  const mine = new AbortController();
  controller = mine;
  const onSignal = (name: NodeJS.Signals) => {
    if (mine.signal.aborted) process.exit(130);
    const reason = new InterruptedError({
      code: 'interrupted',
      message: name === 'SIGINT' ? 'Interrupted.' : `Stopped by ${name}.`,
      hint: 'A second Ctrl-C ends at once.',
    });
    mine.abort(reason);
    setTimeout(() => abandonNativeCalls(reason), CALL_MS).unref();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return mine.signal;
}

/** What an interrupted command throws: the reason itself where an AbortError hides it. */
export function interruptionBehind(error: unknown): InterruptedError | null {
  if (error instanceof InterruptedError) return error;
  const reason: unknown = controller?.signal.aborted ? controller.signal.reason : undefined;
  const isAbort = error instanceof Error && error.name === 'AbortError';
  return isAbort && reason instanceof InterruptedError ? reason : null;
}
