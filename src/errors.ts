/**
 * Every failure a user can cause or meet is one of these classes: a stable code for programs, a sentence that says
 * what is wrong, a hint that says what to do, and the exit status of its family (see the table in README.md).
 * Anything else thrown is a bug of ours and ends with exit status 1.
 */
export interface ErrorDetails {
  /** Stable, kebab-case, e.g. `model-not-found`: what a program matches on. */
  code: string;
  /** One sentence: what is wrong, naming the file, line, node or sequence. */
  message: string;
  /** Further facts, one per line, e.g. which limits are broken. A line break inside a text does not start a new line. */
  details?: readonly string[];
  /** What to do about it, e.g. which flag to change. */
  hint?: string;
  cause?: unknown;
}

export abstract class DuoEvalError extends Error {
  readonly code: string;
  readonly hint: string | null;
  readonly details: readonly string[];
  abstract readonly exitCode: number;

  constructor({ code, message, details = [], hint, cause }: ErrorDetails) {
    super(message, { cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = hint ?? null;
    this.details = details;
  }
}

/** An invalid flag, argument or configuration (exit 2). */
export class UsageError extends DuoEvalError {
  readonly exitCode = 2;
}

/** A checkpoint, its card, its graph or the runtime that runs it (exit 3). */
export class ModelError extends DuoEvalError {
  readonly exitCode = 3;
}

/** A data set or a tokenizer (exit 4). */
export class DataError extends DuoEvalError {
  readonly exitCode = 4;
}

/** NaN, infinity or divergence instead of a number (exit 5). */
export class NumericalError extends DuoEvalError {
  readonly exitCode = 5;
}

/** A mathematical function called outside its domain (exit 5). */
export class DomainError extends NumericalError {}

/** Files, folders and disk space on the user's side, other than models and data (exit 6). */
export class FileError extends DuoEvalError {
  readonly exitCode: number = 6;
}

/** Another process does the same work, here or on another machine (exit 76): later there is nothing in the way. */
export class InUseError extends FileError {
  override readonly exitCode = 76;
}

/** A gate or calibration check that failed (exit 7). */
export class GateError extends DuoEvalError {
  readonly exitCode = 7;

  /** @param record what was measured: --json prints it with the failure */
  constructor(
    details: ErrorDetails,
    readonly record: object = {},
  ) {
    super(details);
  }
}

/** Too little evidence to decide (exit 8). */
export class UndecidedError extends DuoEvalError {
  readonly exitCode = 8;

  /** @param record what was measured: --json prints it with the failure */
  constructor(
    details: ErrorDetails,
    readonly record: object = {},
  ) {
    super(details);
  }
}

/** Stopped again and again before anything new was finished (exit 77): no scheduler should start it once more. */
export class NoProgressError extends DuoEvalError {
  readonly exitCode = 77;
}

/** A person stopped it by Ctrl-C (exit 130). */
export class InterruptedError extends DuoEvalError {
  readonly exitCode: number = 130;
}

/** Any other signal stopped it, such as that of a scheduler: run the same command again (exit 75, EX_TEMPFAIL of sysexits.h). */
export class UnfinishedError extends InterruptedError {
  override readonly exitCode = 75;
}

/**
 * The closest of `candidates` to what was typed, when near enough to be meant; for «did you mean …». What begins as it was
 * typed is meant before what merely has as few letters.
 */
export function closest(typed: string, candidates: readonly string[]): string | null {
  const begun = candidates.filter((name) => name.toLowerCase().startsWith(typed.toLowerCase()));
  if (typed.length > 1 && begun.length > 0) return begun[0];
  const scored = candidates.map((candidate) => ({
    candidate,
    distance: editDistance(typed.toLowerCase(), candidate.toLowerCase()),
  }));
  scored.sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best && best.distance <= Math.max(2, Math.floor(best.candidate.length / 3)) ? best.candidate : null;
}

/** Edit distance by rolling rows; two neighbouring letters swapped count as one slip (Damerau, optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    before = row;
    row = next;
  }
  return row[b.length];
}
