/** The losses of a run as CSV files: loss.csv for every step, validation.csv for held-out text at every save. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ScatterPlot } from '../printing/html/scatter-plot.js';
import { NORMAL_QUANTILE_975 } from '../statistics/student.js';
import { writeFileAtomically } from '../storage/atomic-file.js';
import { stepWindows } from './training-curve.js';

/** Writes loss.csv. @param curve loss and gradient norm of every step, alternating   @throws FileError */
export async function writeCurve(path: string, curve: Float32Array): Promise<void> {
  const rows = ['step,loss,gradient_norm'];
  for (let i = 0; i < curve.length; i += 2) rows.push(`${i / 2 + 1},${curve[i]},${curve[i + 1]}`);
  await writeFileAtomically(path, `${rows.join('\n')}\n`);
}

/** Adds a row to validation.csv. Rows of later steps, left by a run that was killed, are dropped. @param row by column */
export async function addRow(path: string, row: { step: number } & Record<string, number>): Promise<void> {
  const known = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').slice(1) : [];
  const before = known.filter((line) => Number.parseInt(line, 10) < row.step);
  const lines = [Object.keys(row).join(), ...before, Object.values(row).join()];
  await writeFileAtomically(path, `${lines.join('\n')}\n`);
}

/** The rows that {@link addRow} wrote, in order of steps. */
export function heldOutRows(path: string): { step: number; loss: number; stderr: number }[] {
  const rows = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').slice(1) : [];
  return rows.map((row) => {
    const [step, loss, stderr] = row.split(',').map(Number);
    return { step, loss, stderr };
  });
}

/** Parts of a curve whose means are drawn, each of at least so many steps. */
const MOST_PARTS = 60;
const PART_STEPS = 5;

/**
 * What a run's folder says of its losses, to be drawn: the mean of every part of the steps, which varies as 80% of its steps do, and
 * the losses of held-out text with their 95% intervals.
 */
export function lossesAsPlot(folder: string): ScatterPlot {
  const lines = readFileSync(join(folder, 'loss.csv'), 'utf8').trim().split('\n').slice(1);
  const losses = lines.map((line) => Number(line.split(',')[1]));
  const parts = Math.max(1, Math.min(MOST_PARTS, Math.floor(losses.length / PART_STEPS)));
  const rest = { details: [], xInterval: null, onFront: false };
  const trained = stepWindows(losses, parts).map(({ first, last, mean, low, high }) => ({
    ...{ ...rest, x: (first + last) / 2, y: mean, yInterval: [low, high] as const },
    ...{ series: 'training', label: 'means; lines hold 80% of the steps' },
  }));
  const heldOut = heldOutRows(join(folder, 'validation.csv')).map(({ step, loss, stderr }) => ({
    ...{
      ...rest,
      x: step,
      y: loss,
      yInterval: [loss - NORMAL_QUANTILE_975 * stderr, loss + NORMAL_QUANTILE_975 * stderr] as const,
    },
    ...{ series: 'held-out text', label: '95% intervals' },
  }));
  return {
    x: { title: 'step', scale: 'linear' },
    y: { title: 'loss, nats per token', scale: 'linear' },
    points: [...trained, ...heldOut],
    caption: 'loss.html in the same folder shows every step.',
  };
}

/** Mean over the last tenth of the steps. */
export function lastLoss(curve: Float32Array): number {
  return mean(lastLosses(curve));
}

/** Whether the mean of the last tenth of the losses, of ten at least, exceeds `bound` by three standard errors. */
export function surelyAbove(curve: Float32Array, bound: number): boolean {
  const losses = lastLosses(curve);
  if (losses.length < 10) return false;
  const middle = mean(losses);
  const variance = mean(losses.map((loss) => (loss - middle) ** 2));
  return middle - 3 * Math.sqrt(variance / (losses.length - 1)) > bound;
}

function lastLosses(curve: Float32Array): number[] {
  const steps = curve.length / 2;
  return Array.from({ length: Math.ceil(steps / 10) }, (_, i) => curve[2 * (steps - 1 - i)]);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
