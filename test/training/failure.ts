import { DuoEvalError } from '../../src/errors.js';

/** What a promise is rejected with, which has to be a failure of ours. */
export async function failure(promise: Promise<unknown>): Promise<DuoEvalError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DuoEvalError) return error;
  throw error ?? new Error('nothing was thrown');
}
