/** The samplers by name, a user's own by path; which families they drive, and what their options may be. */
import { randomUUID } from 'node:crypto';
import { closest, UsageError } from '../errors.js';
import { FAMILIES, type Family } from '../models/family.js';
import { analytic } from './analytic.js';
import { ancestral } from './ancestral.js';
import { ancestralCache } from './ancestral-cache.js';
import { autoregressive } from './autoregressive.js';
import { confidence } from './confidence.js';
import { dcd } from './dcd.js';
import { gaussian } from './gaussian.js';
import { greedyTail } from './greedy-tail.js';
import { psi } from './psi.js';
import type { OptionSpec, OptionValue, Sampler } from './sampler.js';
import { isModulePath, loadUserSampler, type UserModule } from './user/user-sampler.js';

/** In the order in which they are listed; those that are registered come after them. */
export const samplers: Sampler[] = [
  ancestral,
  ancestralCache,
  greedyTail,
  psi,
  analytic,
  gaussian,
  dcd,
  confidence,
  autoregressive,
];

export interface ResolvedSampler {
  sampler: Sampler;
  /** The user's module it comes from; null for those of this program and for registered ones. */
  module: UserModule | null;
  /** Of a registered sampler: what its samples are kept under, beside its name. */
  version?: string;
}

const versions = new Map<Sampler, string>();

/**
 * Adds a sampler, which is then found by its name and offered to the families it drives. It runs in the caller's thread, and
 * what it leaves in `run.tokens` is checked after every step.
 * @param version of its code: runs that were stopped continue, and finished cells of suites are reused, under the same name
 *   and version only. Without one, nothing is continued or reused in another process.
 * @throws UsageError where it is no sampler, or its name is taken
 */
export function registerSampler(sampler: Sampler, { version }: { version?: string } = {}): void {
  const { name, families, options = {} } = sampler;
  const wrong = !NAME.test(name)
    ? 'its name takes lower-case letters, digits and hyphens'
    : !(families.length > 0 && families.every((family) => FAMILIES.includes(family)))
      ? `its families are some of ${FAMILIES.join(', ')}`
      : typeof sampler.sample !== 'function'
        ? 'sample is an async generator function'
        : Object.values(options).find(
              ({ choices, default: value }) => choices && !choices.includes(String(value)),
            )
          ? 'the default of an option is one of its choices'
          : samplers.some((known) => known.name === name)
            ? 'its name is taken'
            : null;
  if (wrong !== null) {
    throw new UsageError({
      code: 'sampler-not-registered',
      message: `The sampler ${JSON.stringify(name)} cannot be registered: ${wrong}.`,
      hint: 'docs/samplers.md says what a sampler is.',
    });
  }
  versions.set(sampler, version === undefined ? `of one process: ${randomUUID()}` : `registered: ${version}`);
  samplers.push(sampler);
}

const NAME = /^[a-z][a-z0-9-]*$/;

/** @param spec a name, or the path of a module   @throws UsageError */
export async function resolveSampler(spec: string): Promise<ResolvedSampler> {
  const known = samplers.find(({ name }) => name === spec);
  if (known) return { sampler: known, module: null, version: versions.get(known) };
  if (isModulePath(spec)) return loadUserSampler(spec);
  const names = samplers.map(({ name }) => name);
  const near = closest(spec, names);
  throw new UsageError({
    code: 'unknown-sampler',
    message: `There is no sampler "${spec}".`,
    hint: `${near ? `Did you mean ${near}? ` : ''}There are ${names.join(', ')}; a module of your own is given by its path, as ./mine.mjs.`,
  });
}

/** @param model what errors call it   @throws UsageError that names the samplers which fit the family */
export function checkFamily(sampler: Sampler, family: Family, model: string): void {
  if (sampler.families.includes(family)) return;
  const fitting = samplersFor(family);
  throw new UsageError({
    code: 'sampler-does-not-fit',
    message: `The sampler ${sampler.name} is for ${listed(sampler.families, 'and')} models; ${model} is ${family}.`,
    hint:
      fitting.length > 0
        ? `For ${family} there ${fitting.length === 1 ? 'is' : 'are'} ${listed(fitting, 'and')}: give one to --sampler.`
        : `No sampler of this program drives ${family} models; a module of your own can, with --sampler ./mine.mjs.`,
  });
}

/** Names of those that drive a family. */
export function samplersFor(family: Family): string[] {
  return samplers.filter(({ families }) => families.includes(family)).map(({ name }) => name);
}

/**
 * Every option with its value: what was given, checked, and defaults for the rest.
 * @param given `key=value`, the last of a key counting   @throws UsageError
 */
export function samplerOptions(sampler: Sampler, given: readonly string[]): Record<string, OptionValue> {
  const specs = sampler.options ?? {};
  const values: Record<string, OptionValue> = {};
  for (const [name, { default: value }] of Object.entries(specs)) values[name] = value;
  for (const assignment of given) {
    const at = assignment.indexOf('=');
    if (at <= 0) {
      throw new UsageError({
        code: 'invalid-sampler-option',
        message: `--sampler-option takes key=value, not "${assignment}".`,
        hint: optionsHint(sampler),
      });
    }
    const name = assignment.slice(0, at);
    if (!Object.hasOwn(specs, name)) throw unknownOption(sampler, name);
    values[name] = parseOption(sampler.name, name, specs[name], assignment.slice(at + 1));
  }
  return values;
}

function parseOption(sampler: string, name: string, spec: OptionSpec, text: string): OptionValue {
  const refuse = (takes: string, near: string | null = null) =>
    new UsageError({
      code: 'invalid-sampler-option',
      message: `The option ${name} of ${sampler} takes ${takes}, not "${text}".`,
      hint: near ? `Did you mean ${near}?` : `For example: --sampler-option ${name}=${spec.default}`,
    });
  switch (typeof spec.default) {
    case 'number': {
      const value = text.trim() === '' ? Number.NaN : Number(text);
      const inside = value >= (spec.min ?? -Infinity) && value <= (spec.max ?? Infinity);
      if (!Number.isFinite(value) || !inside) throw refuse(`a number${limits(spec)}`);
      return value;
    }
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw refuse('true or false');
      return text === 'true';
    default:
      if (spec.choices && !spec.choices.includes(text))
        throw refuse(`one of ${spec.choices.join(', ')}`, closest(text, spec.choices));
      return text;
  }
}

function limits({ min, max }: OptionSpec): string {
  if (min !== undefined && max !== undefined) return ` in [${min}, ${max}]`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
}

function unknownOption(sampler: Sampler, name: string): UsageError {
  const near = closest(name, Object.keys(sampler.options ?? {}));
  return new UsageError({
    code: 'unknown-sampler-option',
    message: `The sampler ${sampler.name} has no option "${name}".`,
    hint: `${near ? `Did you mean ${near}? ` : ''}${optionsHint(sampler)}`,
  });
}

function optionsHint({ name, options = {} }: Sampler): string {
  const names = Object.keys(options);
  return names.length > 0 ? `${name} takes ${names.join(', ')}.` : `${name} takes no options.`;
}

function listed(words: readonly string[], and: string): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${and} ${words[words.length - 1]}`;
}
