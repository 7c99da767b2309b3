/** What a user's module did that no sampler should, as sentences that name it. */
import { UsageError } from '../../errors.js';

/** @param path of the module, as given   @param when `in step 3` */
export function samplerLeft(path: string, when: string): UsageError {
  return fault(
    path,
    'sampler-left',
    `left before its end, ${when}: it called process.exit, or what it calls did.`,
    'A sampler returns when it is done, and throws where it cannot go on: correct the module.',
  );
}

export function samplerWaits(path: string, when: string): UsageError {
  return fault(
    path,
    'sampler-waits-for-ever',
    `waits for something that cannot come, ${when}.`,
    'A promise that it awaits is never settled: correct the module.',
  );
}

export function samplerHung(path: string, when: string, ms: number): UsageError {
  return fault(
    path,
    'sampler-hung',
    `gave no sign of life for ${ms / 1000} s of its own time, ${when}.`,
    'Correct the module, or allow more seconds a step with --timeout.',
  );
}

/** @param most steps and calls of the model that a batch may take */
export function samplerEndless(path: string, when: string, most: number): UsageError {
  return fault(
    path,
    'sampler-endless',
    `does not come to an end: ${most} steps and model calls of one batch, ${when}.`,
    'A sampler takes about run.steps steps, or one a token, and returns: correct the module.',
  );
}

/** @param why a reason without its full stop */
export function samplerBroke(path: string, why: string): UsageError {
  return fault(path, 'sampler-failed', `broke off: ${why.replace(/\.$/, '')}.`, 'Correct the module.');
}

function fault(path: string, code: string, did: string, hint: string): UsageError {
  return new UsageError({ code, message: `The sampler of ${path} ${did}`, hint });
}
