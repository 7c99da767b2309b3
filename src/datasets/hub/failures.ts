/** Errors between this program and the hub. Addresses are reduced to host and path, because the query of a redirect may
 *  hold a signature that is as good as a password. */
import { DataError, DuoEvalError, type ErrorDetails } from '../../errors.js';
import { systemCodeOf } from '../../storage/file-failure.js';
import { BUDGET } from '../budget.js';

/** A transfer that may succeed on a retry: the connection broke, or the hub was overloaded. */
export class PassingFailure extends DataError {
  /** @param waitMs how long the hub asks to wait before the retry, ms */
  constructor(
    details: ErrorDetails,
    readonly waitMs = 0,
  ) {
    super(details);
  }
}

/** Nothing, or next to nothing, arrived for as long as the user is willing to wait. */
export class Stalled extends Error {
  constructor(
    readonly seconds: number,
    readonly bytes = 0,
  ) {
    super('stalled');
  }
}

function timedOut(host: string, { seconds, bytes }: Stalled): DataError {
  const came = bytes === 0 ? `nothing for ${seconds}` : `${bytes} bytes in ${seconds}`;
  return new DataError({
    code: 'hub-timeout',
    message: `${host} sent ${came} seconds.`,
    hint: 'Run again: it continues from what was received. --timeout waits longer.',
  });
}

/** The hub takes too long for a list of files, page after page. */
export function endlessListing(host: string, seconds: number): DataError {
  return new DataError({
    code: 'hub-timeout',
    message: `${host} took more than ${seconds} seconds to list files.`,
    hint: 'Run again later. --timeout waits longer.',
  });
}

export interface Refusal {
  status: number;
  /** What the hub was asked for, e.g. `data/test.jsonl of owner/name`. */
  what: string;
  hasToken: boolean;
  /** The header, if it was sent. */
  retryAfter: string | null;
}

export function refusalError(host: string, { status, what, hasToken, retryAfter }: Refusal): DataError {
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
  if (!isPassing(status)) return new DataError(details);
  const waitMs = waitAskedFor(retryAfter);
  if (waitMs <= BUDGET.longestWait) return new PassingFailure(details, waitMs);
  const minutes = Math.ceil(waitMs / 60_000);
  return new DataError({ ...details, hint: `It asks to wait ${minutes} minutes. Run again after that.` });
}

/** Milliseconds in a Retry-After header, given as seconds or a date (RFC 9110, 10.2.3); 0 without one. */
function waitAskedFor(header: string | null): number {
  const text = header?.trim() ?? '';
  const wait = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Number.isNaN(wait) ? 0 : Math.max(0, wait);
}

/** Statuses of a server that is overloaded or restarting. */
function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** The error for what a request, or reading its answer, threw. */
export function connectionError(host: string, cause: unknown): DuoEvalError {
  for (let reason = cause; reason instanceof Error; reason = reason.cause as Error) {
    if (reason instanceof DuoEvalError) return reason;
    if (reason instanceof Stalled) return timedOut(host, reason);
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

/** The error for an answer that breaks the hub's API. */
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
