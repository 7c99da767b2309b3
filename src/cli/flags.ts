/**
 * Flag types that validate their values. Each throws a UsageError that names the flag, what it accepts and what it
 * got. Use them in a command's `static flags`:
 *
 *     batch: integer({ min: 1, description: 'sequences per model call' }),
 *     until: number({ min: 0, description: '…' }),
 *     protocol: choice(['duo', 'strict'])({ default: 'duo', description: '…' }),
 *     model: repeatable({ description: '…' }),
 */
import { existsSync } from 'node:fs';
import { custom, string } from '@oclif/core/flags';
import type { CustomOptions, FlagDefinition } from '@oclif/core/interfaces';
import { closest, UsageError } from '../errors.js';
import { parseModelSpec } from '../library/checkpoints.js';

export { boolean, string } from '@oclif/core/flags';

type Range = {
  /** Smallest value allowed. */
  min?: number;
  /** Largest value allowed. */
  max?: number;
  /** The value must be greater than this, e.g. 0 for a positive number. */
  above?: number;
};

type Named = Range & { name: string };

/** A whole number, decimal, in `[min, max]`. */
export const integer = custom<number, Range>({
  helpValue: '<n>',
  parse: async (input, _context, flag) => {
    const range = flag as unknown as Named;
    const value = /^[+-]?\d+$/.test(input.trim()) ? Number(input) : Number.NaN;
    if (!Number.isSafeInteger(value)) throw invalidNumber(range, 'a whole number', input);
    return within(value, range, 'a whole number', input);
  },
});

/** A finite number, `1e-3` allowed, in `[min, max]` and above `above`. */
export const number = custom<number, Range>({
  helpValue: '<x>',
  parse: async (input, _context, flag) => {
    const range = flag as unknown as Named;
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(input.trim()) ? Number(input) : Number.NaN;
    if (!Number.isFinite(value)) throw invalidNumber(range, 'a number', input);
    return within(value, range, 'a number', input);
  },
});

/** One of a few words; a near miss gets a suggestion. */
export function choice<const T extends readonly string[]>(
  choices: T,
): FlagDefinition<T[number], CustomOptions, { multiple: false; requiredOrDefaulted: false }> {
  return custom<string>({
    helpValue: choices.join('|'),
    parse: async (input, _context, flag) => oneOf(choices, input, (flag as unknown as Named).name),
  }) as FlagDefinition<T[number], CustomOptions, { multiple: false; requiredOrDefaulted: false }>;
}

/** @param name of the flag   @throws UsageError when it is none of them */
export function oneOf(choices: readonly string[], input: string, name: string): string {
  if (choices.includes(input)) return input;
  const near = meant(input, choices) || closest(input, choices);
  throw new UsageError({
    code: 'invalid-flag-value',
    message: `--${name} has no value "${input}".`,
    hint: `${near ? `Did you mean ${near}? ` : ''}It takes one of: ${choices.join(', ')}.`,
  });
}

/** Names that other programs use for some of our choices. */
const ALSO_CALLED: Readonly<Record<string, readonly string[]>> = {
  gpu: ['webgpu', 'cuda'],
  nvidia: ['cuda'],
  tensorrt: ['cuda'],
  vulkan: ['webgpu'],
  metal: ['webgpu'],
  mps: ['webgpu'],
  coreml: ['webgpu'],
  dml: ['webgpu'],
  directml: ['webgpu'],
};

function meant(input: string, choices: readonly string[]): string {
  const known = ALSO_CALLED[input.toLowerCase()] ?? [];
  return known.filter((choice) => choices.includes(choice)).join(' or ');
}

/** How one value of a repeatable flag is separated into several; base-command.ts does it. */
export type Separable = { separate?: (text: string) => string[] };

/** A text flag that may be repeated, one value each; a stray word after it is an error, not a value. */
export const repeatable = custom<string, Separable>({ multiple: true, multipleNonGreedy: true });

/** Of commands that read a suite. */
export const relativeTo = string({
  summary: "Folder that paths of the suite are relative to. [default: the suite's]",
  helpValue: '<folder>',
});

/** Separates names and paths at commas. In the name of a file that exists, a comma is part of the name. */
export const atCommas = (text: string): string[] =>
  existsSync(parseModelSpec(text).path) ? [text] : pieces(text, /,/);

/** As {@link atCommas}, but not within the options of a sampler: `psi:preset=remdm-cap,eta=0.04,ancestral` are two. */
export const betweenSamplers = (text: string): string[] => pieces(text, /,(?![\w-]+=)/);

const pieces = (text: string, comma: RegExp): string[] =>
  text
    .split(comma)
    .map((piece) => piece.trim())
    .filter(Boolean);

function within(value: number, range: Named, kind: string, input: string): number {
  const tooSmall = range.min !== undefined && value < range.min;
  const notAbove = range.above !== undefined && value <= range.above;
  const tooLarge = range.max !== undefined && value > range.max;
  if (tooSmall || notAbove || tooLarge) throw invalidNumber(range, kind, input);
  return value;
}

function invalidNumber(range: Named, kind: string, input: string): UsageError {
  const limits: string[] = [];
  if (range.above !== undefined) limits.push(`above ${range.above}`);
  if (range.min !== undefined) limits.push(`of at least ${range.min}`);
  if (range.max !== undefined) limits.push(`of at most ${range.max}`);
  return new UsageError({
    code: 'invalid-flag-value',
    message: `--${range.name} takes ${[kind, limits.join(' and ')].filter(Boolean).join(' ')}, not "${input}".`,
    hint: `For example: --${range.name} ${exampleOf(range)}`,
  });
}

function exampleOf({ min, max, above }: Range): number {
  if (min !== undefined) return Math.max(min, Math.min(8, max ?? 8));
  if (above !== undefined) return above + (max === undefined ? 1 : (max - above) / 2);
  return max ?? 8;
}
