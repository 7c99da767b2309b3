/** Rows of the bench, for people and for programs. */
import Table from 'cli-table3';
import { median } from './interleaved.mjs';

/**
 * @typedef {object} RatioRow
 * @property {'ratio'} kind
 * @property {string} what
 * @property {string} to what it is a ratio to
 * @property {number[]} values one a repetition
 * @property {number | null} target at most; null where none is stated
 * @property {number | null} aim
 * @property {boolean} [atLeast] the target is a least value instead
 *
 * @typedef {object} PathRow
 * @property {'path'} kind
 * @property {string} what
 * @property {string} unit what one of them is
 * @property {number} nanoseconds a unit, median
 * @property {number} relativeError of the mean, 95%
 * @property {number} share of a bare model call, for a sequence
 */

/** @param {RatioRow} row */
export function verdictOf({ values, target, aim, atLeast = false }) {
  if (target === null) return '';
  const value = median(values);
  const reaches = (limit) => (atLeast ? value >= limit : value <= limit);
  if (!reaches(target)) return 'missed';
  return aim !== null && reaches(aim) ? 'aim reached' : 'reached';
}

export function printTables(rows, { pairs, threads }) {
  const ratios = rows.filter(({ kind }) => kind === 'ratio');
  const paths = rows.filter(({ kind }) => kind === 'path');
  const parts = [];
  if (ratios.length > 0) {
    const head = ['what', 'to', 'median', 'min – max', 'n', 'target', 'aim', 'verdict'];
    const table = plainTable(head, [2, 3, 4, 5, 6]);
    for (const row of ratios) {
      const { what, to, values, target, aim } = row;
      const range = `${ratio(Math.min(...values))} – ${ratio(Math.max(...values))}`;
      table.push([
        what,
        to,
        ratio(median(values)),
        range,
        values.length,
        limit(target, row.atLeast),
        limit(aim, row.atLeast),
        verdictOf(row),
      ]);
    }
    parts.push(`Ratios, ${pairs} pairs, ${threads} threads\n${table}`);
  }
  if (paths.length > 0) {
    const table = plainTable(['hot path', 'a unit', '±', 'unit', 'share of a call'], [1, 2, 4]);
    for (const { what, nanoseconds, relativeError, unit, share } of paths) {
      const error = `${relativeError.toFixed(1)} %`;
      table.push([
        what,
        duration(nanoseconds),
        error,
        unit,
        Number.isNaN(share) ? '' : `${(100 * share).toFixed(2)} %`,
      ]);
    }
    parts.push(`Hot paths; a share is that of a bare model call of one sequence\n${table}`);
  }
  process.stdout.write(`${parts.join('\n\n')}\n`);
}

export function printJson(rows, { pairs, threads }) {
  const figures = rows.map((row) =>
    row.kind === 'ratio'
      ? {
          ...row,
          median: median(row.values),
          min: Math.min(...row.values),
          max: Math.max(...row.values),
          verdict: verdictOf(row) || null,
        }
      : { ...row, share: Number.isNaN(row.share) ? null : row.share },
  );
  process.stdout.write(`${JSON.stringify({ pairs, threads, rows: figures }, null, 2)}\n`);
}

function plainTable(head, rightAligned) {
  return new Table({
    head,
    colAligns: head.map((_, i) => (rightAligned.includes(i) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  });
}

const ratio = (value) => (value < 0.0995 ? value.toPrecision(2) : value.toFixed(3));
const limit = (value, atLeast = false) => (value === null ? '' : `${atLeast ? '≥' : '≤'} ${value}`);

function duration(ns) {
  if (ns < 1e3) return `${ns.toPrecision(3)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`;
  return `${(ns / 1e6).toPrecision(3)} ms`;
}
