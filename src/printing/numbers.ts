/** Figures for reading: as many digits as their standard error supports. Unknown is an empty string. */

/** An estimate as a person reads it; its errors may be unknown. */
interface Estimate {
  value: number | null;
  stderr: number | null;
  ci95: readonly [number, number] | null;
}

const PLAIN_DIGITS = 4;
/** From here on a number is written with an exponent. */
const LARGE = 1e7;

/** `145.3 ± 2.1`: two significant digits of the standard error, and the value to the same place. */
export function valueWithError({ value, stderr }: Pick<Estimate, 'value' | 'stderr'>): string {
  if (value === null) return '';
  if (stderr === null || stderr === 0) return stderr === 0 ? `${plain(value)} ± 0` : plain(value);
  if (Math.abs(value) >= LARGE || stderr >= LARGE)
    return `${value.toExponential(2)} ± ${stderr.toExponential(1)}`;
  const places = decimals(stderr, 2);
  return `${toFixedUnsignedZero(value, places)} ± ${stderr.toFixed(places)}`;
}

/** `[141, 150]`: one digit of the standard error is enough for an interval's ends. */
export function intervalOf({ ci95, stderr }: Pick<Estimate, 'ci95' | 'stderr'>): string {
  if (ci95 === null) return '';
  const [low, high] = ci95;
  if (Math.abs(high) >= LARGE) return `[${low.toExponential(2)}, ${high.toExponential(2)}]`;
  if (!stderr) return `[${plain(low)}, ${plain(high)}]`;
  const places = Math.max(0, decimals(stderr, 2) - 1);
  return `[${toFixedUnsignedZero(low, places)}, ${toFixedUnsignedZero(high, places)}]`;
}

/** A value to the digit that its standard error reaches, without the error; else four digits. */
export function valueAlone({ value, stderr }: Pick<Estimate, 'value' | 'stderr'>): string {
  if (value === null) return '';
  if (!stderr || Math.abs(value) >= LARGE) return plain(value);
  return toFixedUnsignedZero(value, decimals(stderr, 2));
}

/** A standard error on its own: two significant digits. */
export function errorAlone(stderr: number | null): string {
  if (stderr === null) return '';
  if (stderr === 0) return '0';
  return stderr >= LARGE ? stderr.toExponential(1) : stderr.toFixed(decimals(stderr, 2));
}

/** A whole number with all its digits; null is empty. */
export function whole(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : String(value);
}

/** Four significant digits, all digits of the whole part kept. */
export function plain(value: number | null): string {
  if (value === null) return '';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= LARGE || size < 1e-4) return value.toExponential(PLAIN_DIGITS - 1);
  return value.toFixed(decimals(size, PLAIN_DIGITS));
}

/** As `toFixed`, but what rounds to nothing has no sign. */
function toFixedUnsignedZero(value: number, places: number): string {
  return value.toFixed(places).replace(/^-(?=[0.]*$)/, '');
}

/** Decimal places that show `digits` significant digits of `size`, after rounding: 0.0996 to two digits is 0.10. */
function decimals(size: number, digits: number): number {
  const exponent = Number(size.toExponential(digits - 1).split('e')[1]);
  return Math.min(12, Math.max(0, digits - 1 - exponent));
}

/** `1.12 [1.08, 1.16]`; `~` before it when 1 lies in the interval: neither is surely the larger. */
export function ratioText({
  value,
  ci95,
}: {
  value: number;
  ci95: readonly [number, number] | null;
}): string {
  if (ci95 === null) return plain(value);
  const [low, high] = ci95;
  // Two significant digits of the interval's width; two places at least, and no more than a timing can hold.
  const places = Math.min(3, Math.max(2, decimals(Math.max(high - low, 1e-3), 2)));
  const mark = low <= 1 && 1 <= high ? '~ ' : '';
  return `${mark}${toFixedUnsignedZero(value, places)} [${toFixedUnsignedZero(low, places)}, ${toFixedUnsignedZero(high, places)}]`;
}

/** A mean of counts: whole where it is whole. */
export function meanCount(value: number | null): string {
  return value !== null && Number.isInteger(value) ? String(value) : plain(value);
}

/** `about 12 s`, `about 5 min`, `about 3.2 h`. */
export function about(seconds: number): string {
  if (seconds < 0.95) return seconds === 0 ? 'no time' : 'about 1 s';
  if (seconds < 90) return `about ${Math.round(seconds)} s`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min`;
  return `about ${(seconds / 3600).toFixed(1)} h`;
}
