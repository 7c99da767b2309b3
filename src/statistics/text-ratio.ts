/**
 * A ratio of totals over sequences of running text, and how it would vary on other text of the kind.
 *
 * Sequences of one document are hard or easy together, so what is sampled is the *unit*, not the sequence. With residuals
 * e_i = y_i − R·x_i, E_g and X_g the sums of e and x over unit g and X = Σ x, the variance is the jackknife's that leaves out
 * one unit at a time (linear in the residuals; Tukey 1958; CR3 of MacKinnon, Nielsen and Webb 2023):
 *
 *   var R = (G−1)/G · Σ_g (E_g / (X − X_g))²,   Student's t with G* − 1 degrees of freedom
 *
 * For units of one size it is the usual G/(G−1)·ΣE_g²/X² (Cochran, Sampling Techniques, ch. 6 and 9; Liang and Zeger 1986). Units
 * of different sizes tell less than as many equal ones: G* = X²/Σ X_g² (Kish, Survey Sampling, 1965) is G for equal ones and
 * 1 where one unit is all. The unit is
 *
 * document   where documents are known, longer than sequences, and at least 20
 * block      where nothing is known of documents, or they are short: consecutive sequences, in blocks of twice the length at
 *            which the variance has the least squared error (dependence.ts), since an interval suffers more from a variance
 *            that is too small than from a noisy one (Sun, Phillips and Jin 2008); never fewer than 20 of them where there
 *            are that many sequences. Of three estimates of one variance the largest counts: V(b), the one between blocks, which
 *            is short by the share of the dependence that block edges cut; 2·V(b) − V(b/2), from which the leading part
 *            of that bias has dropped out (the lugsail of Vats and Flegal 2022); and the long-run variance
 * either     with 3 to 19 long documents both are tried, blocks inside documents by V(b), and the wider interval counts
 *
 * With fewer than 3 units there is no interval: one difference tells next to nothing of a spread.
 */
import { DomainError } from '../errors.js';
import { dependenceOf } from './dependence.js';
import { entry, type Numbers, numbersOf, sum } from './numbers.js';
import { checkRatio, type Ratio } from './ratio.js';
import { studentQuantile95 } from './student.js';

/** Units from which on they are enough by themselves. */
const ENOUGH_UNITS = 20;
/** Fewer say nothing of a spread. */
export const LEAST_UNITS = 3;
/** Blocks cover as they say from so many correlation lengths of text on (calibrate --intervals). */
export const ENOUGH_CORRELATION_LENGTHS = 100;

export type UnitOfText = 'document' | 'block';

/** How an error over text came about. */
export interface Sampling {
  unit: UnitOfText;
  /** How many there are. */
  units: number;
  /** G*: equal ones that would tell as much. */
  effectiveUnits: number;
  /** Sequences a block; null for documents. */
  blockLength: number | null;
  /** The variance over what it would be were sequences independent; null where there is no interval. */
  designEffect: number | null;
}

export interface TextRatio extends Ratio, Sampling {}

/** The document of each sequence, never falling; null where documents are not known or are shorter than sequences. */
export type DocumentsOf = Numbers | null;

/** Whether blocks count for anything: not where documents are enough by themselves. */
export function blocksAreTried(documents: DocumentsOf): boolean {
  return documents === null || countOf(documents) < ENOUGH_UNITS;
}

/** Over the length of least squared error. */
const LONGER = 2;

/** Sequences a block that the residuals of a ratio ask for; 1 where they do not depend on each other. */
export function blockLengthOf(y: Numbers, x: Numbers): number {
  const value = sum(y) / sum(x);
  return LONGER * dependenceOf(y.length, (i) => entry(y, i) - value * entry(x, i)).blockLength;
}

/**
 * @param y, x one entry a sequence, x ≥ 0, in the order of the text
 * @param blockLength sequences a block: the longest that any ratio of this text asks for ({@link blockLengthOf})
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

/** Degrees of freedom of an error over so many effective units. */
export function degreesOf(effectiveUnits: number): number {
  return Math.max(1, Math.round(effectiveUnits) - 1);
}

/** A way to gather sequences to units. */
interface Gathering {
  unit: UnitOfText;
  units: number;
  blockLength: number | null;
  /** Of sequence i, never falling. */
  unitOf(i: number): number;
  /** Of blocks where no documents are known: the same in blocks of half the length. */
  halved?: Pick<Gathering, 'units' | 'unitOf'>;
}

/** Those that count: of several the one with the wider interval. */
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

/** Documents, of which each lies in one piece. */
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

/** Stretches cut into blocks of about one length each. */
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
  let stretch = 0; // asked for in order, time after time
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
  /** Null of too few units, as is what follows from it. */
  variance: number | null;
  /** Half of the 95% interval; below 0 where there is none. */
  margin: number;
}

function spreadOf(n: number, residuals: Residuals, gathering: Gathering): Spread {
  const { between, effectiveUnits } = betweenUnits(n, residuals, gathering);
  const told = { ...gathering, effectiveUnits };
  if (between === null) return { ...told, variance: null, margin: -1 };
  let variance = between;
  if (gathering.halved) {
    // Shorter blocks are more units: enough of them, as of the longer ones.
    const half = betweenUnits(n, residuals, gathering.halved).between ?? between;
    const longRun = (n * dependenceOf(n, residuals.residual).longRunVariance) / residuals.total ** 2;
    variance = Math.max(between, 2 * between - half, longRun);
  }
  return { ...told, variance, margin: studentQuantile95(degreesOf(effectiveUnits)) * Math.sqrt(variance) };
}

/** Variance of the ratio by the jackknife over units; null with too few. One pass: units come one after the other. */
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

/** Of Σ y − R·Σ x, were sequences independent. */
function independentVariance(n: number, residual: (i: number) => number): number {
  return (n / (n - 1)) * sum(numbersOf(n, (i) => residual(i) ** 2));
}
