/**
 * Finds the command of a command line in the oclif manifest alone, and suggests the nearest one for a misspelt command,
 * before anything heavy is loaded. oclif's `command_not_found` hook is not enough: it does not run when `--help` follows,
 * and takes `ppl model.onnx` for a command "ppl model.onnx".
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { closest, UsageError } from '../errors.js';

/** The fields of a command in oclif.manifest.json that are used here. */
export interface CommandEntry {
  id: string;
  summary?: string;
  hidden?: boolean;
  strict?: boolean;
  args?: object;
  flags?: object;
}

export interface PackageFacts {
  version: string;
  bin: string;
  description: string;
  commands: CommandEntry[];
}

/** Reads package.json and the manifest beside it. */
export function readPackage(root: string): PackageFacts {
  const pkg = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8'));
  return {
    version: pkg.version,
    bin: pkg.oclif.bin,
    description: pkg.description,
    commands: Object.values(manifest.commands as Record<string, CommandEntry>),
  };
}

export type Target =
  | { kind: 'version' }
  | { kind: 'root-help' }
  /** A command, or a topic such as `datasets`, by its words. */
  | { kind: 'command'; name: string; argv: string[] };

/** @throws UsageError when no command has that name, or the command takes no such argument */
export function resolveCommandLine(argv: readonly string[], facts: PackageFacts): Target {
  const asked = argv[0] === 'help' ? [...argv.slice(1), '--help'] : [...argv];
  const first = asked[0];
  if (first === undefined || first === '--help' || first === '-h') return { kind: 'root-help' };
  if (first === '--version' || first === '-V' || first === '-v') return { kind: 'version' };
  if (first.startsWith('-')) throw flagBeforeCommand(first, facts);

  const ids = facts.commands.map((command) => command.id);
  const words: string[] = [];
  for (const argument of asked) {
    const candidate = [...words, argument].join(':');
    if (!ids.some((id) => id === candidate || id.startsWith(`${candidate}:`))) break;
    words.push(argument);
  }
  const next = asked[words.length];
  const command = facts.commands.find(({ id }) => id === words.join(':'));
  if (next !== undefined && !next.startsWith('-')) {
    if (!command) throw unknownCommand([...words, next], facts);
    const takesNone = command.strict !== false && Object.keys(command.args ?? {}).length === 0;
    if (takesNone) throw unexpectedArgument(words.join(' '), next, command.flags ?? {}, facts);
  }
  return { kind: 'command', name: words.join(' '), argv: asked };
}

/** Whether a failure is also printed as JSON. This reads the words as typed, because they may not parse. */
export function wantsJson(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): boolean {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  if (words.includes('--json')) return true;
  const format = words.lastIndexOf('--format');
  if (format !== -1) return words[format + 1] === 'json';
  const joined = words.findLast((word) => word.startsWith('--format='));
  if (joined) return joined === '--format=json';
  if (env.DUO_EVAL_FORMAT) return env.DUO_EVAL_FORMAT === 'json';
  return ['1', 'true', 'yes', 'on'].includes((env.DUO_EVAL_JSON ?? '').trim().toLowerCase());
}

function flagBeforeCommand(flag: string, { bin, commands }: PackageFacts): UsageError {
  const near = closest(flag, ['--help', '--version']);
  const example = commands.find((command) => !command.hidden)?.id.replaceAll(':', ' ') ?? 'COMMAND';
  return new UsageError({
    code: 'no-command',
    message: `There is no command before ${flag}.`,
    hint: `${near ? `Did you mean ${near}? ` : ''}Flags come after the command: ${bin} ${example} ${flag}`,
  });
}

/** A hint for a value whose form suggests its flag: `--model x.onnx` for `x.onnx`. */
export function flagMeant(word: string, flags: object): string | null {
  const names = { model: /^hf:|\.onnx$/i, dataset: /\.(txt|jsonl?|csv|tsv|parquet)(\.gz)?$/i };
  const found = Object.entries(names).find(([flag, form]) => flag in flags && form.test(word));
  return found ? `Did you mean --${found[0]} ${word}?` : null;
}

function unexpectedArgument(command: string, word: string, flags: object, { bin }: PackageFacts): UsageError {
  const meant = flagMeant(word, flags);
  return new UsageError({
    code: 'unexpected-argument',
    message: `${bin} ${command} takes flags only, not "${word}".`,
    hint: `${meant ? `${meant} ` : ''}${bin} ${command} --help shows what the command takes.`,
  });
}

function unknownCommand(words: string[], { bin, commands }: PackageFacts): UsageError {
  const typed = words.join(' ');
  const names = commands.filter((command) => !command.hidden).map(({ id }) => id.replaceAll(':', ' '));
  const byLastWord = names.find((name) => name.split(' ').at(-1) === typed);
  const near = byLastWord ?? closest(typed, names);
  return new UsageError({
    code: 'unknown-command',
    message: `There is no command "${typed}".`,
    hint: `${near ? `Did you mean ${bin} ${near}? ` : ''}${bin} --help lists the commands.`,
  });
}
