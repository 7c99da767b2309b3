/**
 * A ratio of totals over sequences of running text, and how it would vary on other text of the same kind.
 *
 * Sequences of one document are hard or easy together, so the sampling unit is a document or a block of text, not a sequence.
 * With residuals e_i = y_i − R·x_i, E_g and X_g the sums of e and x over unit g, and X = Σ x, the variance is that of the
 * jackknife that leaves out one unit at a time (Quenouille, Biometrika 43, 1956; Tukey, Annals of Mathematical Statistics 29,
 * 1958; for clusters, CR3 of MacKinnon, Nielsen and Webb 2023):
 *
 *   var R = (G−1)/G · Σ_g (E_g / (X − X_g))²,   Student's t with G* − 1 degrees of freedom
 *
 * For units of equal size it is the usual G/(G−1)·ΣE_g²/X² (Cochran, Sampling Techniques, 3rd ed. 1977, ch. 6 and 9; Liang and
 * Zeger, Biometrika 73, 1986). Units of different sizes hold less information than as many equal ones. The effective number
 * G* = X²/Σ X_g² (Kish, Survey Sampling, 1965) is G for equal units, and 1 if one unit holds everything. The unit is
 *
 * document   if documents are known, longer than sequences, and at least 20
 * block      if documents are unknown or short: consecutive sequences, in blocks of twice the length at which the variance
 *            has the least mean squared error (dependence.ts), because too small a variance harms an interval more than a
 *            noisy one (Sun, Phillips and Jin, Econometrica 76, 2008); at least 20 blocks if there are 20 sequences. The
 *            largest of three estimates of the variance is used: V(b), between blocks, which misses the dependence cut by
 *            block edges; 2·V(b) − V(b/2), without the leading term of that bias (the lugsail estimator of Vats and Flegal,
 *            Biometrika 109, 2022); and the long-run variance
 * either     with 3 to 19 long documents: documents, or blocks inside documents by V(b), whichever interval is wider
 *
 * With fewer than 3 units there is no interval: a single difference says almost nothing about a variance.
 */
import { DomainError } from '../errors.js';
import { dependenceOf } from './dependence.js';
import { entry, type Numbers, numbersOf, sum } from './numbers.js';
import { checkRatio, type Ratio } from './ratio.js';
import { studentQuantile95 } from './student.js';

/** From this many documents on, blocks are not tried. */
const ENOUGH_UNITS = 20;
/** Fewer units give no variance. */
export const LEAST_UNITS = 3;
/** From this many correlation lengths of text on, intervals over blocks reach their nominal coverage (calibrate --intervals). */
export const ENOUGH_CORRELATION_LENGTHS = 100;

export type UnitOfText = 'document' | 'block';

/** The sampling units behind an error over text. */
export interface Sampling {
  unit: UnitOfText;
  /** Number of units. */
  units: number;
  /** G*, the effective number of units (Kish 1965): as many equal units would hold the same information. */
  effectiveUnits: number;
  /** Sequences per block; null for documents. */
  blockLength: number | null;
  /** The variance relative to that of independent sequences (Kish 1965); null if there is no interval. */
  designEffect: number | null;
}

export interface TextRatio extends Ratio, Sampling {}

/** The document of each sequence, in ascending order; null if documents are unknown or shorter than sequences. */
export type DocumentsOf = Numbers | null;

/** Whether blocks are tried: not if there are enough documents. */
export function blocksAreTried(documents: DocumentsOf): boolean {
  return documents === null || countOf(documents) < ENOUGH_UNITS;
}

/** Block length relative to the one of least mean squared error. */
const LONGER = 2;

/** Sequences per block that the residuals of a ratio require; 1 if the residuals are independent. */
export function blockLengthOf(y: Numbers, x: Numbers): number {
  const value = sum(y) / sum(x);
  return LONGER * dependenceOf(y.length, (i) => entry(y, i) - value * entry(x, i)).blockLength;
}

/**
 * The ratio estimator over running text; see the head of this file for the variance and its sources.
 * @param y, x one entry per sequence, x ≥ 0, in the order of the text
 * @param blockLength sequences per block: the longest that any ratio of this text requires ({@link blockLengthOf})
 * @throws DomainError when the lengths differ or an entry is not finite
 */
export function textRatio(y: Numbers, x: Numbers, documents: DocumentsOf, blockLength: number): TextRatio {
  checkRatio(y, x);
  if (documents && documents.length !== y.length) {
    throw new DomainError({
      code: 'unequal-lengths',
      message: `${y.length} sequences need as many documents, got ${documents.length}.`,
    });
  }
  const n = y.length;
  const total = sum(x);
  const nothing = { stderr: null, ci95: null, designEffect: null };
  const unknown = { unit: 'block' as const, units: n, effectiveUnits: n, blockLength: 1 };
  if (!(total > 0)) return { value: null, ...nothing, ...unknown };
  const value = sum(y) / total;
  const residual = (i: number) => entry(y, i) - value * entry(x, i);
  const weight = (i: number) => entry(x, i);
  const candidates = gatheringsOf(n, documents, blockLength).map((gathering) =>
    spreadOf(n, { residual, weight, total }, gathering),
  );
  const {
    unit,
    units,
    effectiveUnits,
    blockLength: length,
    variance,
    margin,
  } = candidates.reduce((a, b) => (b.margin > a.margin ? b : a));
  const sampling = { unit, units, effectiveUnits, blockLength: length };
  if (variance === null) return { value, ...nothing, ...sampling };
  const independent = independentVariance(n, residual) / total ** 2;
  return {
    value,
    stderr: Math.sqrt(variance),
    ci95: [value - margin, value + margin],
    ...sampling,
    designEffect: independent > 0 ? variance / independent : 1,
  };
}

/** Degrees of freedom of an error over this many effective units: G* − 1, rounded. */
export function degreesOf(effectiveUnits: number): number {
  return Math.max(1, Math.round(effectiveUnits) - 1);
}

/** A way to group sequences into units. */
interface Gathering {
  unit: UnitOfText;
  units: number;
  blockLength: number | null;
  /** The unit of sequence i, in ascending order. */
  unitOf(i: number): number;
  /** For blocks of text without known documents: the same with blocks of half the length. */
  halved?: Pick<Gathering, 'units' | 'unitOf'>;
}

/** The groupings to try; the one with the widest interval is used. */
function gatheringsOf(n: number, documents: DocumentsOf, blockLength: number): Gathering[] {
  const longest = Math.max(1, Math.floor(n / ENOUGH_UNITS));
  const length = Math.max(1, Math.min(longest, Math.round(blockLength)));
  const halved = Math.max(1, Math.floor(length / 2));
  if (documents === null) return [{ ...blocksOf([n], length), halved: blocksOf([n], halved) }];
  const units = countOf(documents);
  const whole: Gathering = {
    unit: 'document',
    units,
    blockLength: null,
    unitOf: (i) => entry(documents, i),
  };
  return units >= ENOUGH_UNITS ? [whole] : [whole, blocksOf(sizesOf(documents), length)];
}

/** Number of documents; the sequences of each are consecutive. */
function countOf(documents: Numbers): number {
  let count = 0;
  for (let i = 0; i < documents.length; i++) if (i === 0 || documents.at(i) !== documents.at(i - 1)) count++;
  return count;
}

/** Sequences of each document, in order. */
function sizesOf(documents: Numbers): number[] {
  const sizes: number[] = [];
  for (let i = 0; i < documents.length; i++) {
    if (i > 0 && documents.at(i) === documents.at(i - 1)) sizes[sizes.length - 1]++;
    else sizes.push(1);
  }
  return sizes;
}

/** Divides each stretch into blocks of about the given length. */
function blocksOf(stretches: readonly number[], length: number): Gathering {
  const counts = stretches.map((size) => Math.max(1, Math.floor(size / length)));
  const starts: number[] = [];
  const firsts: number[] = [];
  let [start, first] = [0, 0];
  for (const [s, size] of stretches.entries()) {
    starts.push(start);
    firsts.push(first);
    start += size;
    first += counts[s];
  }
  let stretch = 0; // callers ask in ascending order, several times over
  return {
    unit: 'block',
    units: first,
    blockLength: length,
    unitOf(i) {
      if (i < starts[stretch]) stretch = 0;
      while (stretch + 1 < starts.length && i >= starts[stretch + 1]) stretch++;
      return firsts[stretch] + Math.floor(((i - starts[stretch]) * counts[stretch]) / stretches[stretch]);
    },
  };
}

interface Residuals {
  residual(i: number): number;
  /** x_i */
  weight(i: number): number;
  /** Σ x */
  total: number;
}

interface Spread extends Gathering {
  effectiveUnits: number;
  /** Null with too few units. */
  variance: number | null;
  /** Half the width of the 95% interval; negative if there is none. */
  margin: number;
}

function spreadOf(n: number, residuals: Residuals, gathering: Gathering): Spread {
  const { between, effectiveUnits } = betweenUnits(n, residuals, gathering);
  const known = { ...gathering, effectiveUnits };
  if (between === null) return { ...known, variance: null, margin: -1 };
  let variance = between;
  if (gathering.halved) {
    // Halved blocks are more numerous, so there are enough of them, too.
    const half = betweenUnits(n, residuals, gathering.halved).between ?? between;
    const longRun = (n * dependenceOf(n, residuals.residual).longRunVariance) / residuals.total ** 2;
    variance = Math.max(between, 2 * between - half, longRun);
  }
  return { ...known, variance, margin: studentQuantile95(degreesOf(effectiveUnits)) * Math.sqrt(variance) };
}

/** The delete-one jackknife variance of the ratio over units; null with too few. One pass, because units are consecutive. */
function betweenUnits(
  n: number,
  { residual, weight, total }: Residuals,
  { units, unitOf }: Pick<Gathering, 'units' | 'unitOf'>,
): { between: number | null; effectiveUnits: number } {
  let [jackknife, squares] = [0, 0];
  let [errors, size] = [0, 0];
  const close = () => {
    jackknife += (errors / (total - size)) ** 2;
    squares += size ** 2;
    [errors, size] = [0, 0];
  };
  let current = unitOf(0);
  for (let i = 0; i < n; i++) {
    const own = unitOf(i);
    if (own !== current) {
      close();
      current = own;
    }
    errors += residual(i);
    size += weight(i);
  }
  close();
  const known = units >= LEAST_UNITS && Number.isFinite(jackknife);
  return {
    between: known ? ((units - 1) / units) * jackknife : null,
    effectiveUnits: squares > 0 ? total ** 2 / squares : units,
  };
}

/** The variance of Σ y − R·Σ x for independent sequences (Cochran, ch. 6). */
function independentVariance(n: number, residual: (i: number) => number): number {
  return (n / (n - 1)) * sum(numbersOf(n, (i) => residual(i) ** 2));
}
