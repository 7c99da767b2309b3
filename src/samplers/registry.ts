/** The samplers by name, and a user's own by path; which families they drive, and the values of their options. */
import { randomUUID } from 'node:crypto';
import { closest, UsageError } from '../errors.js';
import { FAMILIES, type Family } from '../models/family.js';
import { analytic, ancestral, dcd, greedyTail } from './ancestral.js';
import { ancestralCache } from './ancestral-cache.js';
import { autoregressive } from './autoregressive.js';
import { confidence } from './confidence.js';
import { gaussian } from './gaussian.js';
import { psi } from './psi.js';
import type { OptionSpec, OptionValue, ResolvedSampler, Sampler } from './sampler.js';
import { unmask } from './unmask.js';
import { isModulePath, loadUserSampler } from './user/user-sampler.js';

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
  unmask,
  autoregressive,
];

const versions = new Map<Sampler, string>();

/**
 * Adds a sampler, which is then found by its name and offered to the families it drives. It runs in the caller's thread, and
 * what it leaves in `run.tokens` is checked after every step.
 * @param version of its code: runs that were stopped continue, and finished cells of suites are reused, under the same name
 *   and version only. Without one, nothing is continued or reused in another process.
 * @throws UsageError where it is no sampler, or its name is taken
 */
export function registerSampler(sampler: Sampler, { version }: { version?: string } = {}): void {
  const { name } = sampler;
  const wrong = samplers.some((known) => known.name === name) ? 'its name is taken' : unfit(sampler);
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

/** What keeps an object from being a sampler; null: nothing. */
function unfit({ name, families, options = {}, sample }: Sampler): string | null {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) return 'its name takes lower-case letters, digits and hyphens';
  if (families.length === 0 || families.some((family) => !FAMILIES.includes(family)))
    return `its families are some of ${FAMILIES.join(', ')}`;
  if (typeof sample !== 'function') return 'sample is an async generator function';
  const isOdd = ({ choices, default: value }: OptionSpec) => choices && !choices.includes(String(value));
  return Object.values(options).some(isOdd) ? 'the default of an option is one of its choices' : null;
}

/** @param spec a name, an alias, or the path of a module   @throws UsageError */
export async function resolveSampler(spec: string): Promise<ResolvedSampler> {
  const known = samplers.find(({ name }) => name === spec);
  if (known) return { sampler: known, module: null, version: versions.get(known) };
  const named = samplers.find(({ aliases = {} }) => Object.hasOwn(aliases, spec));
  if (named) return { sampler: withDefaults(named, named.aliases![spec]), module: null }; // found by it
  if (isModulePath(spec)) return loadUserSampler(spec);
  const names = samplers.flatMap(({ name, aliases = {} }) => [name, ...Object.keys(aliases)]);
  const near = closest(spec, names);
  throw new UsageError({
    code: 'unknown-sampler',
    message: `There is no sampler "${spec}".`,
    hint: `${near ? `Did you mean ${near}? ` : ''}There are ${names.join(', ')}; give a module of your own by its path, such as ./mine.mjs.`,
  });
}

/** A sampler under an alias: the same, with other defaults, which options may still change. */
function withDefaults(sampler: Sampler, values: Readonly<Record<string, OptionValue>>): Sampler {
  const options = Object.entries(sampler.options ?? {}).map(([name, spec]) => [
    name,
    { ...spec, default: values[name] ?? spec.default },
  ]);
  return { ...sampler, options: Object.fromEntries(options) };
}

/** @param model its name, for errors   @throws UsageError that names the samplers for the family */
export function checkFamily(sampler: Sampler, family: Family, model: string): void {
  if (sampler.families.includes(family)) return;
  const fitting = samplersFor(family);
  throw new UsageError({
    code: 'sampler-does-not-fit',
    message: `The sampler ${sampler.name} is for ${inWords(sampler.families)} models; ${model} is ${family}.`,
    hint:
      fitting.length > 0
        ? `For ${family} there ${fitting.length === 1 ? 'is' : 'are'} ${inWords(fitting)}: give one to --sampler.`
        : `No sampler of this program drives ${family} models; a module of your own can, with --sampler ./mine.mjs.`,
  });
}

/** Names of the samplers that drive a family. */
export function samplersFor(family: Family): string[] {
  return samplers.filter(({ families }) => families.includes(family)).map(({ name }) => name);
}

/**
 * Every option with its value: the given one, checked, or the default.
 * @param given `key=value`; the last value of a key counts   @throws UsageError
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

/** `a, b and c` */
function inWords(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}
