/**
 * Which numbers a record can hold. A record with impossible numbers was altered or damaged, so it is refused: no gate passes
 * on it, and no report prints it. These are refinements of the schemas; the ranges are wide, since a bad
 * model is not a bad record.
 */
import type { z } from 'zod';

/** The range in which the values of a figure lie. */
export interface Range {
  /** What it is, to complete «… is never below …»: `a perplexity`. */
  what: string;
  above?: number;
  least?: number;
  most?: number;
}

/** Far above any model; squares of larger losses would soon overflow. */
const LARGEST = 1e12;

export const RANGES = {
  perplexity: { what: 'a perplexity', above: 0 },
  /** An estimate with a control variate may fall slightly below 0. */
  loss: { what: 'a loss', least: -LARGEST, most: LARGEST },
  difference: { what: 'a difference', least: -LARGEST, most: LARGEST },
  entropy: { what: 'an entropy', least: 0, most: LARGEST },
  share: { what: 'a share', least: 0, most: 1 },
  /** Jensen–Shannon, nats. */
  divergence: { what: 'a divergence', least: 0, most: Math.LN2 },
  correlation: { what: 'a correlation', least: -1, most: 1 },
  brier: { what: 'a Brier score', least: -1, most: 1 },
  factor: { what: 'a ratio', above: 0 },
  speed: { what: 'a speed', above: 0 },
  area: { what: 'an area', least: 0 },
  any: { what: 'a figure' },
} satisfies Record<string, Range>;

interface AnyFigure {
  value?: number | null;
  stderr?: number | null;
  ci95?: readonly [number, number] | null;
  mcStderr?: number | null;
}

type Complain = (path: PropertyKey[], message: string) => void;
const complainTo =
  (context: z.RefinementCtx, at: readonly PropertyKey[] = []): Complain =>
  (path, message) =>
    context.addIssue({ code: 'custom', path: [...at, ...path], message });

/**
 * The value is in its range, errors are not negative, the interval is ordered and holds the value.
 * @param range of the value   @param held false for an interpolated figure, whose interval need not hold the value
 * @param at path of the figure within what is checked
 */
export function plausibleFigure(range: Range = RANGES.any, { held = true, at = [] as PropertyKey[] } = {}) {
  return (figure: AnyFigure, context: z.RefinementCtx): void => {
    const complain = complainTo(context, at);
    const { value = null, ci95 = null } = figure;
    if (value !== null && !isIn(range, value)) complain(['value'], `${limitsOf(range)}, and not ${value}`);
    for (const name of ['stderr', 'mcStderr'] as const) {
      const error = figure[name] ?? 0;
      if (error < 0) complain([name], `a standard error is never below 0, and not ${error}`);
    }
    if (ci95 === null) return;
    const [low, high] = ci95;
    // The ends are computed by another route than the value.
    const slack = 1e-9 * Math.max(Math.abs(low), Math.abs(high));
    if (low > high) complain(['ci95'], `an interval starts at its lower end, and not as [${low}, ${high}]`);
    else if (held && value !== null && (value < low - slack || value > high + slack))
      complain(['ci95'], `the interval [${low}, ${high}] does not hold the value ${value}`);
  };
}

/** The perplexity of that name is the exponential of the nats of that name. */
export function plausiblePair(perplexity: string, nats: string) {
  return (metrics: Record<string, unknown>, context: z.RefinementCtx): void => {
    const [of, from] = [perplexity, nats].map(
      (name) => (metrics[name] as AnyFigure | null | undefined)?.value,
    );
    if (typeof of !== 'number' || typeof from !== 'number' || !(of > 0)) return;
    // Files may be rounded.
    if (Math.abs(Math.log(of) - from) <= 0.01) return;
    complainTo(context)([perplexity, 'value'], `${of} is not exp(${nats}), which is ${Math.exp(from)}`);
  };
}

/** Entries of a column of counts: whole numbers of at least 0. */
export const COUNT = 'count';

/** Checks columns with one entry per sequence or sample: equal lengths, and every entry in its range. */
export function plausibleColumns(kinds: Readonly<Record<string, Range | typeof COUNT>>) {
  return (columns: object, context: z.RefinementCtx): void => {
    const complain = complainTo(context);
    const known = Object.entries(columns).filter(([, column]) => Array.isArray(column)) as [
      string,
      number[],
    ][];
    if (known.some(([, column]) => column.length !== known[0][1].length))
      complain([], 'its columns have different lengths');
    for (const [name, column] of known) {
      const kind = kinds[name];
      if (kind === undefined) continue;
      const wrong = column.findIndex((one) =>
        kind === COUNT ? !(Number.isSafeInteger(one) && one >= 0) : !isIn(kind, one),
      );
      if (wrong < 0) continue;
      const limits = kind === COUNT ? 'a count is a whole number of at least 0' : limitsOf(kind);
      complain([name, wrong], `${limits}, and not ${column[wrong]}`);
    }
  };
}

function isIn({ above, least, most }: Range, value: number): boolean {
  return (
    Number.isFinite(value) &&
    (above === undefined || value > above) &&
    (least === undefined || value >= least) &&
    (most === undefined || value <= most)
  );
}

function limitsOf({ what, above, least, most }: Range): string {
  const limits = [
    above === undefined ? null : `above ${above}`,
    least === undefined ? null : `at least ${least}`,
    most === undefined ? null : `at most ${most}`,
  ].filter((limit) => limit !== null);
  return `${what} is ${limits.join(' and ')}`;
}
