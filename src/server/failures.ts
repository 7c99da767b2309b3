/** Failures as clients see them: a status, and a body in OpenAI's form whose sentence is ours. */
import { DataError, DuoEvalError, ModelError, UsageError } from '../errors.js';
import { NetworkLost } from './network.js';

/** What this program's errors do not say: a status of HTTP, and when to try again. */
export class RequestFailure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** Seconds. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** The request's client is gone: nobody reads an answer. */
export class ClientLeft extends Error {}

export interface FailureAnswer {
  status: number;
  headers: Record<string, string>;
  body: { error: { message: string; type: string; param: string | null; code: string } };
}

/** Errors of models that a request brought about. */
const OF_REQUESTS = new Set([
  'no-order-of-tokens',
  'no-eos',
  'no-bos',
  'length-past-model',
  'fixed-length',
  'no-length',
]);

/** Seconds after which a lost network is back. */
const RESTART_SECONDS = 2;

/** @param unforeseen receives errors that are faults of ours */
export function failureAnswer(
  error: unknown,
  unforeseen: (error: unknown) => void = () => {},
): FailureAnswer {
  if (error instanceof RequestFailure)
    return answer(error.status, error.code, error.message, error.retryAfter);
  if (error instanceof ClientLeft) return answer(499, 'client-left', 'The client closed the connection.');
  if (error instanceof NetworkLost) {
    const message = `The process that runs the network was lost over this request: ${error.message}. It is started again; the request was not answered.`;
    return answer(503, 'network-lost', message, RESTART_SECONDS);
  }
  if (error instanceof DuoEvalError) {
    const message = [error.message, ...error.details, error.hint].filter(Boolean).join(' ');
    const ofRequest =
      error instanceof UsageError ||
      error instanceof DataError ||
      (error instanceof ModelError && OF_REQUESTS.has(error.code));
    const status = ofRequest ? 400 : error.code === 'out-of-memory' ? 503 : 500;
    return answer(status, error.code, message, status === 503 ? RESTART_SECONDS : null);
  }
  unforeseen(error);
  return answer(
    500,
    'internal-error',
    'duo-eval failed in a way it should not. The server printed what happened.',
  );
}

function answer(
  status: number,
  code: string,
  message: string,
  retryAfter: number | null = null,
): FailureAnswer {
  return {
    status,
    headers: retryAfter === null ? {} : { 'retry-after': String(retryAfter) },
    body: { error: { message, type: typeOf(status), param: null, code } },
  };
}

/** As OpenAI's clients know them. */
function typeOf(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 429:
      return 'rate_limit_error';
    default:
      return status < 500 ? 'invalid_request_error' : 'server_error';
  }
}
