/**
 * Settings that distinguish rows of equal label in a table: seed, sampler options, temperature and the like. Only settings
 * that differ among such rows are shown.
 */
import { plainText } from '../terminal-text.js';

/** By name, in the order in which they are shown. */
export type Settings = ReadonlyMap<string, string>;

/** Of each row, the settings that differ among rows of its label, `eta 0.02, seed 1`; empty where its label is unique. */
export function distinctionsOf<T>(
  rows: readonly T[],
  labelOf: (row: T) => string,
  settings: (row: T) => Settings = settingsOf,
): string[] {
  const known = rows.map(settings);
  const alike = new Map<string, Settings[]>();
  for (const [i, row] of rows.entries())
    alike.set(labelOf(row), [...(alike.get(labelOf(row)) ?? []), known[i]]);
  const names = new Map([...alike].map(([label, group]) => [label, namesThatDiffer(group)]));
  return rows.map((row, i) => textOf(known[i], names.get(labelOf(row)) ?? []));
}

/** Names of settings that differ between any two rows; a missing setting differs from any value. */
export function namesThatDiffer(all: readonly Settings[]): string[] {
  const names = new Set(all.flatMap((settings) => [...settings.keys()]));
  return [...names].filter((name) => new Set(all.map((settings) => settings.get(name))).size > 1);
}

/** `eta 0.02, seed 1`: the settings of these names, as far as they are known. */
export function textOf(settings: Settings, names: readonly string[]): string {
  return names
    .flatMap((name) => {
      const value = settings.get(name);
      return value === undefined ? [] : [plainText(name === 'file' ? value : `${name} ${value}`)];
    })
    .join(', ');
}

/** Separates the settings of two rows. */
export const VERSUS = ' − ';

/** Settings of two rows that are compared: `1 − 2` where they differ. The estimator goes with the family: its default differs. */
export function settingsOfPair(a: unknown, b: unknown): Settings {
  const [ofA, ofB] = [settingsOf(a), settingsOf(b)];
  const isOneFamily = familyOf(a) === familyOf(b);
  const names = [...new Set([...ofA.keys(), ...ofB.keys()])].filter(
    (name) => isOneFamily || name !== 'estimator',
  );
  return new Map(
    names.map((name) => {
      const values = new Set([ofA.get(name), ofB.get(name)].filter((value) => value !== undefined));
      return [name, [...values].join(VERSUS)];
    }),
  );
}

type Loose = Record<string, unknown>;

const familyOf = (record: unknown): unknown => ((record as Loose).model as Loose | undefined)?.family;

/** {@link settingsAsRecorded} as texts. */
export function settingsOf(record: unknown): Settings {
  return new Map(Object.entries(settingsAsRecorded(record)).map(([name, value]) => [name, String(value)]));
}

/** Fields of a protocol that say whose order of tokens a likelihood is by, and the names that they are shown under. */
export const POLICY_FIELDS = {
  policy: 'policy',
  'tokens per call': 'tokensPerCall',
  'block size': 'blockSize',
  ties: 'ties',
  threshold: 'threshold',
  'entropy bound': 'entropyBound',
  'over orders': 'overOrders',
  from: 'from',
} as const;

/** The settings in a record of any evaluation; unknown ones, and those that do not apply, are left out. */
export function settingsAsRecorded(record: unknown): Loose {
  const { samples, sampler, protocol, length, topK, topP } = record as Record<
    string,
    Loose | null | undefined
  >;
  const drawnBy = (samples?.sampler ?? sampler) as Loose | null | undefined;
  const texts = samples ?? (sampler ? { length, topK, topP, seed: protocol?.seed } : null);
  const settings: Loose = texts
    ? {
        ...(drawnBy?.options as Loose | null | undefined),
        temperature: texts.temperature,
        'top-k': texts.topK,
        'top-p': texts.topP,
        length: texts.length,
        seed: texts.seed,
      }
    : {
        protocol: protocol?.name,
        length: protocol?.length,
        ...Object.fromEntries(
          Object.entries(POLICY_FIELDS).map(([name, field]) => [name, protocol?.[field]]),
        ),
        estimator: protocol?.estimator,
        draws: protocol?.draws,
        seed: protocol?.seed,
      };
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== null && value !== undefined),
  );
}
