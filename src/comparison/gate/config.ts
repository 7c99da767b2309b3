/**
 * gates.yaml: limits on results. Each gate selects rows by patterns (`*` matches anything) and names one figure and its limits.
 *
 *     gates:
 *       - model: duo*          # every row of these models,
 *         dataset: ptb         # on this data set
 *         metric: ppl
 *         max: 95              # the figure itself
 *         maxIncrease: 1%      # against --baseline; a number without % is in the figure's own unit
 *       - metric: throughputRatio
 *         min: 0.97            # of bench --against: at most 3% slower than the other build
 */
import { z } from 'zod';
import { readYaml, type YamlFile } from '../../strict-yaml.js';

const PERCENT = /^([+-]?(?:\d+\.?\d*|\.\d+))\s*%$/;

/** A change: a share of the baseline, or in the figure's own unit. */
export interface Change {
  amount: number;
  percent: boolean;
}

const change = z.union([z.number(), z.string()]).transform((value, context): Change => {
  const percent = typeof value === 'string' ? PERCENT.exec(value.trim()) : null;
  if (typeof value === 'number' || percent) {
    const amount = percent ? Number(percent[1]) : (value as number);
    if (amount >= 0) return { amount, percent: percent !== null };
  }
  context.addIssue({
    code: 'custom',
    message: 'it takes a number of at least 0, or a percentage such as 1%',
  });
  return z.NEVER;
});

const pattern = z.string().min(1);

const gate = z
  .strictObject({
    name: z.string().min(1).optional(),
    /** ppl, gen, … */
    eval: pattern.default('*'),
    model: pattern.default('*'),
    dataset: pattern.default('*'),
    /** A figure's name, as in the JSON's `metrics`. */
    metric: z.string().min(1),
    max: z.number().optional(),
    min: z.number().optional(),
    maxIncrease: change.optional(),
    maxDecrease: change.optional(),
    /** What the interval covers: sequences, that is other text of the same kind; or draws, for the same text. */
    interval: z.enum(['sequences', 'draws']).default('sequences'),
  })
  .refine((one) => LIMITS.some((limit) => one[limit] !== undefined), {
    error: 'it sets no limit: give max, min, maxIncrease or maxDecrease',
  });

export const LIMITS = ['max', 'min', 'maxIncrease', 'maxDecrease'] as const;
export type Limit = (typeof LIMITS)[number];
export type Gate = z.infer<typeof gate>;

/** The gates of a file: each is checked against every row. */
const MOST_GATES = 1000;

const gatesSchema = z.strictObject({
  gates: z
    .array(z.unknown())
    .min(1)
    .max(MOST_GATES, { error: `there are more than ${MOST_GATES} gates; one gate may hold for many rows` })
    .pipe(z.array(gate)),
});
export type Gates = z.infer<typeof gatesSchema>;

/** @throws FileError, UsageError that names line and key */
export function readGates(path: string): YamlFile<Gates> {
  return readYaml(path, gatesSchema as z.ZodType<Gates>, 'a gates file');
}

/** Does a name match a pattern, in which `*` matches anything? */
export function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}$`).test(name);
}
