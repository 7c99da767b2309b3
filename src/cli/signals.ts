/**
 * Ctrl-C and SIGTERM as an AbortSignal. The first one aborts the signal with an InterruptedError (exit 130): the command
 * stops at its next safe place and leaves a journal that a later run can resume. The second one ends the process at
 * once.
 */
import { InterruptedError } from '../errors.js';
import { abandonNativeCalls } from '../models/native-exit.js';

/** Time for the current model call to end after the first signal; after that it is abandoned. */
const CALL_MS = 5000;

let controller: AbortController | undefined;

/** The process's one interruption signal; listeners are installed on first use. */
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

/** What an interrupted command throws: the signal's reason, even when an AbortError hides it. */
export function interruptionBehind(error: unknown): InterruptedError | null {
  if (error instanceof InterruptedError) return error;
  const reason: unknown = controller?.signal.aborted ? controller.signal.reason : undefined;
  const isAbort = error instanceof Error && error.name === 'AbortError';
  return isAbort && reason instanceof InterruptedError ? reason : null;
}
