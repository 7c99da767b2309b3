/**
 * Turns anything thrown into a failure a person can act on: a code, a sentence, a hint and an exit status. DuoEvalError
 * has all of them; oclif's usage errors are reworded; errors of the operating system and lack of memory have status 6;
 * the rest is a bug of ours (1).
 */
import { closest, DuoEvalError } from '../errors.js';
import { flagMeant } from './command-line.js';
import { noMemory } from './process-limits.js';
import { adviceAfterInterruption, interruptionBehind } from './signals.js';
import { plainLines, plainText } from './terminal.js';

export interface Failure {
  code: string;
  message: string;
  hint: string | null;
  exitCode: number;
}

/** The fields of oclif's errors that are used here. The parser's classes are not exported, so names identify them. */
interface OclifError extends Error {
  oclif?: { exit?: number };
  parse?: { input?: { flags?: Record<string, { char?: string }> } };
  flags?: string[];
  args?: unknown[];
  /** Set by BaseCommand: flag → environment variable that gave its value. */
  environment?: Map<string, string>;
}

const WRAPPED = /^Parsing --(\S+) \n\t([\s\S]*)\nSee more help with --help$/;

/** @param command words of the command that ran, e.g. `datasets list`, for the hint of usage errors */
export function describeFailure(error: unknown, command: string | null, bin = 'duo-eval'): Failure {
  const interruption = interruptionBehind(error);
  const failure =
    fromDuoEval(interruption ?? error) ??
    fromDuoEval(noMemory(error)) ??
    fromUsage(error, command ? `${bin} ${command} --help` : `${bin} --help`) ??
    fromSystem(error) ??
    ourFault(error);
  const hint = interruption ? adviceAfterInterruption() : failure.hint;
  return {
    ...failure,
    message: [failure.message, ...detailsOf(interruption ?? error)].map(plainText).join('\n'),
    hint: hint === null ? null : plainText(hint),
  };
}

const detailsOf = (error: unknown) => (error instanceof DuoEvalError ? error.details : []);

/** The exit status of oclif's `this.exit(n)`, which is not a failure; null for anything else. */
export function requestedExit(error: unknown): number | null {
  const { code, oclif } = (error ?? {}) as { code?: unknown; oclif?: { exit?: number } };
  return code === 'EEXIT' ? (oclif?.exit ?? 0) : null;
}

function fromDuoEval(error: unknown): Failure | null {
  if (!(error instanceof DuoEvalError)) return null;
  const { flag, message } = unwrap(error);
  const variable = flag ? (error as OclifError).environment?.get(flag) : undefined;
  const hint =
    [variable ? `The value is from ${variable}.` : null, error.hint].filter(Boolean).join(' ') || null;
  return { code: error.code, message, hint, exitCode: error.exitCode };
}

function fromUsage(error: unknown, help: string): Failure | null {
  if (!(error instanceof Error) || (error as OclifError).oclif?.exit === undefined) return null;
  const usage = (code: string, message: string, hint = ''): Failure => ({
    code,
    message,
    hint: `${hint}${hint ? ' ' : ''}${help} shows what the command takes.`,
    exitCode: 2,
  });
  const raised = error as OclifError;
  switch (error.constructor.name) {
    case 'NonExistentFlagsError': {
      const typed = (raised.flags ?? []).map((flag) => flag.split('=', 1)[0]);
      const known = Object.keys(raised.parse?.input?.flags ?? {}).map((name) => `--${name}`);
      const near = typed.map((flag) => closest(flag, known)).filter((flag) => flag !== null);
      const message =
        typed.length === 1 ? `There is no flag ${typed[0]}.` : `There are no flags ${typed.join(', ')}.`;
      return usage('unknown-flag', message, near.length > 0 ? `Did you mean ${near.join(', ')}?` : '');
    }
    case 'UnexpectedArgsError': {
      const words = (raised.args ?? []).map(String);
      const flags = raised.parse?.input?.flags ?? {};
      const meant = words.map((word) => flagMeant(word, flags)).filter((hint) => hint !== null);
      return usage('unexpected-argument', `Unexpected argument: ${words.join(' ')}.`, meant.join(' '));
    }
    case 'RequiredArgsError': {
      const names = ((raised.args ?? []) as { name: string }[]).map(({ name }) => name.toUpperCase());
      return usage('missing-argument', `Missing argument: ${names.join(', ')}.`);
    }
    default:
      return usage('usage', sentenceOf(unwrap(error).message));
  }
}

/** oclif's message in one line: its list of reasons, without the preamble and the reference to --help. */
function sentenceOf(message: string): string {
  const line = plainLines(message)
    .replace(/\nSee more help with --help\s*$/, '')
    .replace(/^The following errors? occurred:/, '')
    .replace(/Missing required flag (\S+)/g, '--$1 is required')
    .split('\n')
    .map((part) => part.trim())
    .filter(Boolean)
    .join('; ');
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

function fromSystem(error: unknown): Failure | null {
  const { code, syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  if (!(error instanceof Error) || !syscall || !code || !/^E[A-Z0-9]+$/.test(code)) return null;
  const reason = error.message.replace(/^[A-Z0-9]+: /, '').split(',')[0];
  return {
    code: 'file-system',
    message: `${path ?? syscall}: ${reason} (${code}).`,
    hint: 'Check that the file or folder exists, that you may use it, and that the disk has room.',
    exitCode: 6,
  };
}

function ourFault(error: unknown): Failure {
  const told = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    code: 'internal-error',
    message: `duo-eval failed in a way it should not: ${told}`,
    hint: 'This is a fault of duo-eval, not of your input. DUO_EVAL_DEBUG=1 shows where it happened; please report it.',
    exitCode: 1,
  };
}

/** A message without the text that oclif's parser adds around an error from a flag's own check. */
function unwrap(error: Error): { flag: string | null; message: string } {
  const match = WRAPPED.exec(error.message);
  return match ? { flag: match[1], message: match[2] } : { flag: null, message: error.message };
}
