/**
 * `DUO_EVAL_*` environment variables as defaults of flags: `--log-sequences` reads DUO_EVAL_LOG_SEQUENCES. They are
 * inserted before the typed arguments, so they are checked like typed values, and typed values win. A repeatable flag
 * takes several values separated by commas. An empty variable counts as unset.
 *
 * A flag's `aliases` are its names in the previous version: they and their variables still work, with a note.
 */
import { UsageError } from '../errors.js';

/** The fields of an oclif flag that are used here. */
export interface FlagShape {
  type: 'boolean' | 'option';
  char?: string;
  aliases?: string[];
  multiple?: boolean;
  allowNo?: boolean;
  exclusive?: unknown[];
  separate?: (text: string) => string[];
}

export interface EnvironmentDefaults {
  /** Arguments to insert before the typed ones. */
  argv: string[];
  /** Flag name → variable it came from, so that an error can name the variable. */
  sources: Map<string, string>;
}

/** Typing either of these decides the output format, and the other's variable no longer counts. */
const SAME_QUESTION: Record<string, string> = { json: 'format', format: 'json' };

function variableOf(flag: string): string {
  return `DUO_EVAL_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** @throws UsageError when the variable of a switch is neither yes nor no */
export function environmentDefaults(
  flags: Record<string, FlagShape>,
  typed: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): EnvironmentDefaults {
  const argv: string[] = [];
  const sources = new Map<string, string>();
  for (const [name, flag] of Object.entries(flags)) {
    const spelling = [name, ...(flag.aliases ?? [])].find((one) => env[variableOf(one)]?.trim());
    if (spelling === undefined) continue;
    const variable = variableOf(spelling);
    const value = env[variable]!; // set, because `find` found it
    if (isTyped(name, flag, typed)) continue;
    const rival = SAME_QUESTION[name];
    if (rival && flags[rival] && isTyped(rival, flags[rival], typed)) continue;
    const typedRivals = (flag.exclusive ?? []).some(
      (other) => typeof other === 'string' && flags[other] && isTyped(other, flags[other], typed),
    );
    if (typedRivals) continue;
    const added =
      flag.type === 'boolean'
        ? switchArguments(name, flag, variable, value)
        : optionArguments(name, flag, value);
    if (added.length > 0) sources.set(name, variable);
    argv.push(...added);
  }
  return { argv, sources };
}

function optionArguments(name: string, flag: FlagShape, value: string): string[] {
  // A flag that separates its own values knows better which commas do.
  const values =
    flag.multiple && !flag.separate
      ? value
          .split(',')
          .map((part) => part.trim())
          .filter(Boolean)
      : [value];
  return values.map((one) => `--${name}=${one}`);
}

function switchArguments(name: string, flag: FlagShape, variable: string, value: string): string[] {
  const word = value.trim().toLowerCase();
  if (['1', 'true', 'yes', 'on'].includes(word)) return [`--${name}`];
  if (['0', 'false', 'no', 'off'].includes(word)) return flag.allowNo ? [`--no-${name}`] : [];
  throw new UsageError({
    code: 'invalid-environment-variable',
    message: `${variable} is "${value}", which is neither yes nor no.`,
    hint: `Set it to 1 or 0; it is the default of --${name}.`,
  });
}

/** One line for each flag that was given by its former name, typed or in the environment. */
export function renamingNotes(
  flags: Record<string, FlagShape>,
  typed: readonly string[],
  sources: ReadonlyMap<string, string>,
): string[] {
  return Object.entries(flags).flatMap(([name, { aliases = [] }]) =>
    aliases.flatMap((former) => {
      if (isWordOf(former, typed)) return [renameNote(`--${former}`, `--${name}`)];
      const variable = variableOf(former);
      return sources.get(name) === variable ? [renameNote(variable, variableOf(name))] : [];
    }),
  );
}

const renameNote = (former: string, name: string): string =>
  `${former} is now called ${name}; the old name goes in the next version.`;

function isTyped(name: string, flag: FlagShape, typed: readonly string[]): boolean {
  if ([name, ...(flag.aliases ?? [])].some((known) => isWordOf(known, typed))) return true;
  return beforeTerminator(typed).some(
    (argument) => flag.char && /^-[A-Za-z]/.test(argument) && argument[1] === flag.char,
  );
}

function isWordOf(name: string, typed: readonly string[]): boolean {
  return beforeTerminator(typed).some((argument) => {
    const word = argument.split('=', 1)[0];
    return word === `--${name}` || word === `--no-${name}`;
  });
}

function beforeTerminator(typed: readonly string[]): readonly string[] {
  const end = typed.indexOf('--');
  return end === -1 ? typed : typed.slice(0, end);
}
