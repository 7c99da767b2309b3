/**
 * `DUO_EVAL_*` environment variables as defaults of flags: `--log-sequences` reads DUO_EVAL_LOG_SEQUENCES. They are put
 * in front of the typed arguments, so they are checked exactly as typed values are; what is typed wins. A flag that may
 * be repeated takes several values separated by commas. An empty variable is one that is not set.
 */
import { UsageError } from '../errors.js';

/** What is read here of an oclif flag. */
export interface FlagShape {
  type: 'boolean' | 'option';
  char?: string;
  aliases?: string[];
  multiple?: boolean;
  allowNo?: boolean;
  exclusive?: unknown[];
}

export interface EnvironmentDefaults {
  /** Arguments to put before the typed ones. */
  argv: string[];
  /** Flag name → variable it came from, so that an error can name the variable. */
  sources: Map<string, string>;
}

/** Typing either of these decides the output format; the other's variable then no longer counts. */
const SAME_QUESTION: Record<string, string> = { json: 'format', format: 'json' };

export function variableOf(flag: string): string {
  return `DUO_EVAL_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** @throws UsageError when a switch's variable is neither a yes nor a no */
export function environmentDefaults(
  flags: Record<string, FlagShape>,
  typed: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): EnvironmentDefaults {
  const argv: string[] = [];
  const sources = new Map<string, string>();
  for (const [name, flag] of Object.entries(flags)) {
    const variable = variableOf(name);
    const value = env[variable];
    if (value === undefined || value.trim() === '') continue;
    if (isTyped(name, flag, typed)) continue;
    const rival = SAME_QUESTION[name];
    if (rival && flags[rival] && isTyped(rival, flags[rival], typed)) continue;
    const typedRivals = (flag.exclusive ?? []).some(
      (other) => typeof other === 'string' && flags[other] && isTyped(other, flags[other], typed),
    );
    if (typedRivals) continue;
    const added =
      flag.type === 'boolean' ? switchArguments(name, flag, value) : optionArguments(name, flag, value);
    if (added.length > 0) sources.set(name, variable);
    argv.push(...added);
  }
  return { argv, sources };
}

function optionArguments(name: string, flag: FlagShape, value: string): string[] {
  const values = flag.multiple
    ? value
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean)
    : [value];
  return values.map((one) => `--${name}=${one}`);
}

function switchArguments(name: string, flag: FlagShape, value: string): string[] {
  const word = value.trim().toLowerCase();
  if (['1', 'true', 'yes', 'on'].includes(word)) return [`--${name}`];
  if (['0', 'false', 'no', 'off'].includes(word)) return flag.allowNo ? [`--no-${name}`] : [];
  throw new UsageError({
    code: 'invalid-environment-variable',
    message: `${variableOf(name)} is "${value}", which is neither yes nor no.`,
    hint: `Set it to 1 or 0; it is the default of --${name}.`,
  });
}

function isTyped(name: string, flag: FlagShape, typed: readonly string[]): boolean {
  for (const argument of typed) {
    if (argument === '--') return false;
    const word = argument.split('=', 1)[0];
    const names = [name, ...(flag.aliases ?? [])];
    if (names.some((known) => word === `--${known}` || word === `--no-${known}`)) return true;
    if (flag.char && /^-[A-Za-z]/.test(argument) && argument[1] === flag.char) return true;
  }
  return false;
}
