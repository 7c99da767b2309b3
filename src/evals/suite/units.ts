/**
 * Units: what one machine does at a time, a cell or a range of its sequences, items or samples. A plan cuts a suite into units of about equal weight; it is
 * written once, and every machine runs its own. A unit may run twice: its results are kept under what decides them.
 */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { BinaryHeap } from '../../binary-heap.js';
import { UsageError } from '../../errors.js';
import { sha256OfBytes } from '../../storage/digest.js';
import { readSmallFile } from '../../storage/small-file.js';
import type { WorkRange } from '../../storage/work-journal.js';
import { parseStrictJson } from '../../strict-json.js';
import type { PlannedCell } from './cell.js';

const unit = z.strictObject({
  /** Of what decides its results: 16 hexadecimal digits. */
  key: z.string().regex(/^[0-9a-f]{16}$/),
  /** From 1. */
  cell: z.int().min(1),
  eval: z.string(),
  model: z.string(),
  dataset: z.string(),
  /** Its sequences, items or samples, `from` to `to` without the latter; null: the whole cell. */
  from: z.int().nonnegative().nullable(),
  to: z.int().positive().nullable(),
  /** Model calls × tokens × parameters; 0 of a cell that is kept. */
  weight: z.number().nonnegative(),
});
export type Unit = z.infer<typeof unit>;

export const planSchema = z.object({
  schemaVersion: z.literal(1),
  plan: z.strictObject({
    name: z.string(),
    /** Digest of the suite. */
    sha256: z.string(),
    cells: z.int().min(1),
    /** For how many machines. */
    machines: z.int().min(1),
    units: z.array(unit),
  }),
});
export type UnitPlan = z.infer<typeof planSchema>;

/** @throws FileError; UsageError when it is no plan, or of another suite */
export function readPlan(path: string, suite: { name: string; sha256: string }): UnitPlan {
  const parsed = planSchema.safeParse(jsonIn(path, MOST_BYTES));
  if (!parsed.success)
    throw new UsageError({
      code: 'no-plan',
      message: `${path} is no plan of a suite.`,
      hint: 'duo-eval run suite.yaml --plan plan.json --machines n writes one.',
    });
  checkPlanned(parsed.data.plan, suite, path);
  return parsed.data;
}

/** @param path of the plan or the suite, for the error   @throws UsageError when the plan is of another suite */
export function checkPlanned(
  { sha256 }: { sha256: string },
  suite: { name: string; sha256: string },
  path: string,
): void {
  if (sha256 === suite.sha256) return;
  throw new UsageError({
    code: 'plan-of-other-suite',
    message: `${path} plans another suite than ${suite.name}, or the suite has changed since.`,
    hint: 'Write the plan anew: duo-eval run suite.yaml --plan plan.json --machines n.',
  });
}

/** The plan of this suite at a path; undefined where there is none, or one of another suite. @throws FileError */
export function planIfAny(path: string, suite: { name: string; sha256: string }): UnitPlan | undefined {
  try {
    return existsSync(path) ? readPlan(path, suite) : undefined;
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** Null where it is none. @throws FileError */
export function jsonIn(path: string, most: number): unknown {
  try {
    return parseStrictJson(readSmallFile(path, most));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A unit takes about 200. */
const MOST_BYTES = 2 ** 28;

/** So many units a machine: longest first, no machine then has more than 1/8 above its share, where cells can be cut. */
const UNITS_A_MACHINE = 8;

/** A cell to be cut. */
export interface PlannedWork {
  planned: Omit<PlannedCell, 'seconds'>;
  /** Of what decides its results. */
  digest: string;
  /** It may be cut into ranges of its sequences, items or samples that begin at multiples of this; null: it is one piece. */
  grain: number | null;
}

/** Cuts cells into units for so many machines. */
export function unitsOf(cells: readonly PlannedWork[], machines: number): Unit[] {
  const weightOf = ({ planned: { state, weight } }: PlannedWork) => (state === 'to run' ? weight : 0);
  const total = cells.reduce((sum, cell) => sum + weightOf(cell), 0);
  const most = total / (machines * UNITS_A_MACHINE);
  return cells
    .filter(({ planned }) => planned.state !== 'not needed')
    .flatMap((cell) => {
      const { planned, digest, grain } = cell;
      const { cell: number, eval: name, model, dataset, sequences } = planned;
      const weight = weightOf(cell);
      const grains = grain === null ? 1 : Math.ceil(sequences / grain);
      const pieces = weight > 0 ? Math.min(grains, Math.ceil(weight / most)) : 1;
      return Array.from({ length: pieces }, (_, i): Unit => {
        const [from, to] = [i, i + 1].map((edge) =>
          Math.min(sequences, (grain ?? sequences) * Math.floor((edge * grains) / pieces)),
        );
        const range = pieces === 1 ? null : { from, to };
        return {
          key: keyOf(digest, range),
          ...{ cell: number, eval: name, model, dataset },
          ...{ from: range?.from ?? null, to: range?.to ?? null },
          weight: range === null ? weight : (weight * (to - from)) / sequences,
        };
      });
    });
}

const keyOf = (digest: string, range: WorkRange | null): string =>
  sha256OfBytes(JSON.stringify([digest, range])).slice(0, 16);

/** Whether units planned earlier still are those of these cells: the same cells, of the same models, data and options. */
export function stillHold(units: readonly Unit[], cells: readonly PlannedWork[]): boolean {
  const needed = cells.filter(({ planned }) => planned.state !== 'not needed');
  const digests = new Map(needed.map(({ planned, digest }) => [planned.cell, digest]));
  const isSame = ({ key, cell, from, to }: Unit) => {
    const digest = digests.get(cell);
    const range = from === null || to === null ? null : { from, to };
    return digest !== undefined && key === keyOf(digest, range);
  };
  return new Set(units.map(({ cell }) => cell)).size === needed.length && units.every(isSame);
}

/** `4e56ca740e8d8156, ppl of duo on sotu, 0 to 500`. */
export function unitInWords({ key, eval: name, model, dataset, from, to }: Unit): string {
  const on = dataset === '' ? '' : ` on ${dataset}`;
  return `${key}, ${name} of ${model}${on}${from === null ? '' : `, ${from} to ${to}`}`;
}

/** Units of each machine: the heaviest first, to whoever has least. Depends on the plan and the number alone. */
export function sharesOf({ plan: { units } }: UnitPlan, machines: number): Unit[][] {
  const shares = Array.from({ length: machines }, (_, place) => ({ place, weight: 0, units: [] as Unit[] }));
  type Share = (typeof shares)[number];
  const hasLess = (a: Share, b: Share) =>
    a.weight - b.weight || a.units.length - b.units.length || a.place - b.place;
  const idle = new BinaryHeap<Share>((a, b) => hasLess(a, b) < 0);
  for (const share of shares) idle.push(share);
  const order = units.map((one, i) => ({ one, i })).sort((a, b) => b.one.weight - a.one.weight || a.i - b.i);
  for (const { one } of order) {
    // there is at least one machine
    const least = idle.pop()!;
    least.units.push(one);
    least.weight += one.weight;
    idle.push(least);
  }
  return shares.map((share) => share.units);
}

/** How much longer the busiest machine works than if all worked equally long; 1 where nothing is to be done. */
export function unevenness(plan: UnitPlan): number {
  const weights = sharesOf(plan, plan.plan.machines).map((units) =>
    units.reduce((sum, { weight }) => sum + weight, 0),
  );
  const total = weights.reduce((a, b) => a + b, 0);
  return total === 0 ? 1 : (Math.max(...weights) * weights.length) / total;
}

/** The units with these keys. @throws UsageError for a key that the plan does not have */
export function unitsByKey({ plan: { units } }: UnitPlan, keys: readonly string[]): Unit[] {
  const byKey = new Map(units.map((one) => [one.key, one]));
  return keys.map((key) => {
    const found = byKey.get(key);
    if (found) return found;
    throw new UsageError({
      code: 'unknown-unit',
      message: `The plan has no unit ${key}.`,
      hint: 'The keys are in the plan: units[].key.',
    });
  });
}

/** Which machine of how many this one is. */
export interface Place {
  /** From 1. */
  part: number;
  of: number;
}

/** Variables of schedulers, their first index, and the variable that says how many there are. */
const SCHEDULERS: readonly [name: string, first: 0 | 1, of: string | null][] = [
  ['SLURM_ARRAY_TASK_ID', 1, null],
  ['PBS_ARRAY_INDEX', 1, null],
  ['LSB_JOBINDEX', 1, null],
  ['JOB_COMPLETION_INDEX', 0, null],
  ['SLURM_PROCID', 0, 'SLURM_NTASKS'],
  ['RANK', 0, 'WORLD_SIZE'],
];

/** The place that a scheduler gave this process. Arrays count from 1 to the machines of the plan. @throws UsageError */
export function placeFromEnvironment(machines: number, env: NodeJS.ProcessEnv = process.env): Place {
  // LSF sets its variable to 0 outside of arrays.
  const found = SCHEDULERS.find(([name]) => env[name] && !(name === 'LSB_JOBINDEX' && env[name] === '0'));
  const refuse = (message: string, hint: string) => new UsageError({ code: 'no-place', message, hint });
  if (!found)
    throw refuse(
      '--units auto finds no scheduler: none of its variables is set.',
      `They are ${SCHEDULERS.map(([name]) => name).join(', ')}. Or give --units i/n.`,
    );
  const [name, first, ofName] = found;
  const part = Number(env[name]) + 1 - first;
  const of = ofName === null ? machines : Number(env[ofName] ?? machines);
  if (Number.isInteger(part) && part >= 1 && part <= of) return { part, of };
  throw refuse(
    `${name} is ${env[name]}, and the plan is for ${of} machines, ${first} to ${of - 1 + first}.`,
    'Start as many tasks as the plan has machines, or write a plan for as many: --machines n.',
  );
}

/** What of each cell the units ask for; null: the whole cell. By the index of the cell, from 0. */
export function rangesOf(units: readonly Unit[]): Map<number, WorkRange[] | null> {
  const asked = new Map<number, WorkRange[] | null>();
  for (const { cell, from, to } of units) {
    const index = cell - 1;
    const ranges = asked.get(index);
    if (from === null || to === null) asked.set(index, null);
    else if (ranges === undefined) asked.set(index, [{ from, to }]);
    else ranges?.push({ from, to });
  }
  return asked;
}
