/** What can go wrong between here and the hub, as sentences. Addresses are cut down to host and path: a redirect's query
 *  may hold a signature that is as good as a password. */
import { DataError, DuoEvalError } from '../../errors.js';
import { systemCodeOf } from '../../storage/file-failure.js';

/** A transfer that may succeed when it is tried again: the connection broke, or the hub was overloaded. */
export class PassingFailure extends DataError {}

/** Nothing came for as long as the user is willing to wait. */
export class Stalled extends Error {
  constructor(readonly seconds: number) {
    super('stalled');
  }
}

export function timedOut(host: string, seconds: number): DataError {
  return new DataError({
    code: 'hub-timeout',
    message: `${host} sent nothing for ${seconds} seconds.`,
    hint: 'Run again: it continues from what was received. --timeout waits longer.',
  });
}

/** @param what the hub was asked for, e.g. `data/test.jsonl of owner/name` */
export function refused(host: string, status: number, what: string, hasToken: boolean): DataError {
  if (status === 401 || status === 403) {
    return new DataError({
      code: 'hub-access-denied',
      message: `${host} does not let ${hasToken ? 'this token' : 'anyone without a token'} read ${what} (status ${status}).`,
      hint: hasToken
        ? 'Check HF_TOKEN, and that its account was granted access to the data set.'
        : 'Set HF_TOKEN to an access token of an account that may read it.',
    });
  }
  if (status === 404 || status === 410) {
    return new DataError({
      code: 'hub-not-found',
      message: `${host} has no ${what} (status ${status}).`,
      hint: 'Check --revision, if it was given. If the data set moved, get its file yourself and register it: duo-eval datasets add name=path',
    });
  }
  const details = {
    code: 'hub-failed',
    message: `${host} answered with status ${status} when asked for ${what}.`,
    hint: 'Run again later: it continues from what was received.',
  };
  return isPassing(status) ? new PassingFailure(details) : new DataError(details);
}

/** Statuses of a server that is overloaded or being restarted. */
function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** What a request or the reading of its answer threw. */
export function broken(host: string, cause: unknown): DuoEvalError {
  for (let reason = cause; reason instanceof Error; reason = reason.cause as Error) {
    if (reason instanceof DuoEvalError) return reason;
    if (reason instanceof Stalled) return timedOut(host, reason.seconds);
  }
  const reason = innermost(cause);
  const code = systemCodeOf(reason);
  if (code !== null && /^(ECONNRESET|ECONNABORTED|EPIPE|HPE_.*|UND_ERR_(?!CONNECT).*)$/.test(code)) {
    return new PassingFailure({
      code: 'hub-connection-lost',
      message: `The connection to ${host} broke (${code}).`,
      hint: 'Run again: it continues from what was received.',
      cause,
    });
  }
  return new DataError({
    code: 'hub-unreachable',
    message: `${host} cannot be reached (${code ?? (reason instanceof Error ? reason.message : 'no reason given')}).`,
    hint: 'Check the connection. HF_ENDPOINT names another hub. A file that is here already: duo-eval datasets add name=path',
    cause,
  });
}

/** An answer that is not what the hub's programming interface promises. */
export function strange(host: string, what: string, cause?: unknown): DataError {
  return new DataError({
    code: 'hub-answer',
    message: `The answer of ${host} cannot be used: ${what}.`,
    hint: 'Check HF_ENDPOINT, or get the file yourself and register it: duo-eval datasets add name=path',
    cause,
  });
}

function innermost(cause: unknown): unknown {
  let reason = cause;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return reason;
}
