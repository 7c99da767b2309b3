/**
 * A ratio of totals over sequences of running text, and how it would vary on other text of the kind.
 *
 * Sequences of one document are hard or easy together, so what is sampled is the *unit*, not the sequence. With residuals
 * e_i = y_i − R·x_i and E_g their sum over unit g, the linearised variance that is robust to any dependence inside units is
 *
 *   var R = G/(G−1) · Σ_g E_g² / (Σ x)²,   Student's t with G − 1 degrees of freedom
 *
 * (Cochran, Sampling Techniques, ch. 6 and 9; Liang and Zeger 1986; Cameron and Miller 2015). The unit is
 *
 * document   where documents are known, longer than sequences, and at least 20
 * block      where nothing is known of documents, or they are short: consecutive sequences, in blocks long enough to hold the
 *            dependence (dependence.ts), never fewer than 20 of them where there are that many sequences. The variance
 *            between blocks is short by about the share of the dependence that block edges cut; the long-run variance of
 *            the same residuals is not, and noisier; text never varies less than independent sequences: the largest counts
 * either     with 3 to 19 long documents both are tried, blocks inside documents, and the wider interval counts
 *
 * With fewer than 3 units there is no interval: one difference tells next to nothing of a spread.
 */
import { DomainError } from '../errors.js';
import { dependenceOf } from './dependence.js';
import { type Numbers, numbersOf } from './numbers.js';
import { checkRatio, type Ratio } from './ratio.js';
import { studentQuantile95 } from './student.js';
import { sum } from './summation.js';

/** Units from which on they are enough by themselves. */
export const ENOUGH_UNITS = 20;
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
  return documents === null || sizesOf(documents).length < ENOUGH_UNITS;
}

/** Sequences a block that the residuals of a ratio ask for. @param y, x one entry a sequence */
export function blockLengthOf(y: Numbers, x: Numbers): number {
  const value = sum(y) / sum(x);
  return dependenceOf(y.length, (i) => y.at(i)! - value * x.at(i)!).blockLength;
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
  if (!(total > 0))
    return { value: null, ...nothing, unit: 'block', units: n, blockLength: documents ? null : 1 };
  const value = sum(y) / total;
  const residual = (i: number) => y.at(i)! - value * x.at(i)!;
  const independent = (n * sum(numbersOf(n, (i) => residual(i) ** 2))) / (n - 1) / total ** 2;
  const candidates = gatheringsOf(n, documents, blockLength).map((gathering) => {
    const variance = gathering.units < LEAST_UNITS ? null : varianceOf(n, residual, gathering) / total ** 2;
    return { ...gathering, variance, margin: marginOf(gathering.units, variance) };
  });
  const {
    unit,
    units,
    blockLength: length,
    variance,
    margin,
  } = candidates.reduce((a, b) => (b.margin > a.margin ? b : a));
  const sampling = { unit, units, blockLength: length };
  if (variance === null) return { value, ...nothing, ...sampling };
  return {
    value,
    stderr: Math.sqrt(variance),
    ci95: [value - margin, value + margin],
    ...sampling,
    designEffect: independent > 0 ? variance / independent : 1,
  };
}

function marginOf(units: number, variance: number | null): number {
  return variance === null ? -1 : studentQuantile95(units - 1) * Math.sqrt(variance);
}

/** A way to gather sequences to units. */
interface Gathering {
  unit: UnitOfText;
  units: number;
  blockLength: number | null;
  /** Of sequence i, never falling. */
  unitOf(i: number): number;
}

/** Those that count: of several the one with the wider interval. */
function gatheringsOf(n: number, documents: DocumentsOf, blockLength: number): Gathering[] {
  const longest = Math.max(1, Math.floor(n / ENOUGH_UNITS));
  const length = Math.max(1, Math.min(longest, Math.round(blockLength)));
  if (documents === null) return [blocksOf([n], length)];
  const sizes = sizesOf(documents);
  const whole: Gathering = {
    unit: 'document',
    units: sizes.length,
    blockLength: null,
    unitOf: (i) => documents.at(i)!,
  };
  return sizes.length >= ENOUGH_UNITS ? [whole] : [whole, blocksOf(sizes, length)];
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

/** Of Σ y − R·Σ x. One pass, whatever the number of units: they come one after the other. */
function varianceOf(n: number, residual: (i: number) => number, { unit, units, unitOf }: Gathering): number {
  let squares = 0;
  let current = 0;
  let ofUnit = unitOf(0);
  for (let i = 0; i < n; i++) {
    const own = unitOf(i);
    if (own !== ofUnit) {
      squares += current ** 2;
      current = 0;
      ofUnit = own;
    }
    current += residual(i);
  }
  squares += current ** 2;
  const between = (units / (units - 1)) * squares;
  if (unit === 'document') return between;
  let independent = 0;
  for (let i = 0; i < n; i++) independent += residual(i) ** 2;
  return Math.max(between, (n / (n - 1)) * independent, n * dependenceOf(n, residual).longRunVariance);
}
