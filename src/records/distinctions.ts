/**
 * What sets rows apart that would look alike in a table: seed, sampler options, how draws were shaped. Only what differs
 * among such rows is told, so that other tables need nothing of this.
 */
import { plainText } from '../terminal-text.js';

/** By name, in the order in which they are told. */
export type Settings = ReadonlyMap<string, string>;

/** A row each: what differs among those of one label, `eta 0.02, seed 1`; empty for a row that no other looks like. */
export function apartTexts<T>(
  rows: readonly T[],
  labelOf: (row: T) => string,
  settings: (row: T) => Settings = settingsOf,
): string[] {
  const told = rows.map(settings);
  const alike = new Map<string, Settings[]>();
  for (const [i, row] of rows.entries())
    alike.set(labelOf(row), [...(alike.get(labelOf(row)) ?? []), told[i]]);
  const names = new Map([...alike].map(([label, group]) => [label, namesThatDiffer(group)]));
  return rows.map((row, i) => textOf(told[i], names.get(labelOf(row))!));
}

/** In any two of them; one that says nothing of a name differs from one that does. */
export function namesThatDiffer(settings: readonly Settings[]): string[] {
  const names = new Set(settings.flatMap((told) => [...told.keys()]));
  return [...names].filter((name) => new Set(settings.map((told) => told.get(name))).size > 1);
}

/** `eta 0.02, seed 1`: these of the settings, as far as they are told. */
export function textOf(told: Settings, names: readonly string[]): string {
  return names
    .filter((name) => told.has(name))
    .map((name) => plainText(name === 'file' ? told.get(name)! : `${name} ${told.get(name)}`))
    .join(', ');
}

/** Between the settings of two rows. */
export const VERSUS = ' − ';

/** Of two rows that are compared: `1 − 2` where they differ. */
export function settingsOfPair(a: unknown, b: unknown): Settings {
  const [ofA, ofB] = [settingsOf(a), settingsOf(b)];
  const names = [...new Set([...ofA.keys(), ...ofB.keys()])];
  return new Map(
    names.map((name) => {
      const values = new Set([ofA.get(name), ofB.get(name)].filter((value) => value !== undefined));
      return [name, [...values].join(VERSUS)];
    }),
  );
}

type Loose = Record<string, unknown>;

/** {@link settingsAsRecorded} as texts. */
export function settingsOf(record: unknown): Settings {
  return new Map(Object.entries(settingsAsRecorded(record)).map(([name, value]) => [name, String(value)]));
}

/** Of the record of any evaluation; what is unknown or does not apply is left out. */
export function settingsAsRecorded(record: unknown): Loose {
  const { samples, sampler, protocol, length, topK, topP } = record as Record<
    string,
    Loose | null | undefined
  >;
  const drawnBy = (samples?.sampler ?? sampler) as Loose | null | undefined;
  const texts = samples ?? (sampler ? { length, topK, topP, seed: protocol?.seed } : null);
  const told: Loose = texts
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
        estimator: protocol?.estimator,
        draws: protocol?.draws,
        seed: protocol?.seed,
      };
  return Object.fromEntries(
    Object.entries(told).filter(([, value]) => value !== null && value !== undefined),
  );
}
