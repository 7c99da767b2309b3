// Means over seeds with their 95% intervals by Student's t: a model's seed is what another training would have changed.
import { studentQuantile95 } from '../dist/statistics/student.js';

/** @returns {{mean: number, half: number}} half the interval's width; NaN of a single value */
export function overSeeds(values) {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  return { mean, half: studentQuantile95(count - 1) * Math.sqrt(variance / count) };
}

/** Of values measured as logarithms: the mean's exponential, with its interval's ends. */
export function geometric(logarithms) {
  return interval(overSeeds(logarithms));
}

/** Of a logarithm, its exponential with the interval's ends. */
export function interval({ mean, half }) {
  return { value: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half) };
}

const digits = (value) => (value >= 100 ? 0 : value >= 10 ? 1 : 2);
export const plusMinus = ({ mean, half }, places = 3) => `${mean.toFixed(places)} ± ${half.toFixed(places)}`;
export const between = ({ value, low, high }) =>
  `${value.toFixed(digits(value))} [${low.toFixed(digits(low))}, ${high.toFixed(digits(high))}]`;

/** Rows of cells as a markdown table. */
export function markdownTable(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
