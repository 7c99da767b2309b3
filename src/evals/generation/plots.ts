/** Plots of generated texts: speed against quality, and quality against diversity, without which it means little. */
import type { PlotPoint } from '../../printing/html/scatter-plot.js';
import { intervalOf, meanCount, plain, valueWithError } from '../../printing/numbers.js';
import { distinctionsOf, settingsOf } from '../../records/distinctions.js';
import {
  fieldOf,
  numberOf,
  type ResultRow,
  type RowFigure,
  type TitledPlot,
} from '../../records/evaluation.js';
import { paretoFront } from '../../statistics/pareto-front.js';
import { entropiesMatch } from './notes.js';

export const SPEED_AXIS = { title: 'tokens per second', scale: 'log' } as const;
export const PERPLEXITY_AXIS = { title: 'generative perplexity', scale: 'log' } as const;
export const ENTROPY_AXIS = { title: 'unigram entropy, nats', scale: 'linear' } as const;
export const RIGHT_AND_DOWN = 'Right and down is better. Bars are 95% intervals.';

/** `8 steps`. */
export function stepsLabel(sampler: { steps: number } | null): string {
  if (!sampler) return '';
  return sampler.steps === 1 ? '1 step' : `${sampler.steps} steps`;
}

/** Plots of the `gen` and `bench` rows of a report over several files. */
export function qualityPlots(rows: readonly ResultRow[]): TitledPlot[] {
  const judged = rows.filter((row) => row.figures.get('genPpl')?.value);
  const settings = settingsApart(judged);
  const plots: TitledPlot[] = [];
  const matched = entropiesMatch(judged);
  const fast = judged.filter((row) => speedOf(row) !== null);
  if (fast.length > 1) {
    const points = fast.map((row) =>
      pointOf(row, speedOf(row), row.figures.get('tokensPerSecond')?.ci95 ?? null, settings),
    );
    const front = paretoFront(points.map(({ x: speed, y: perplexity }) => ({ speed, perplexity })));
    plots.push({
      title: 'Speed and quality',
      plot: {
        x: SPEED_AXIS,
        y: PERPLEXITY_AXIS,
        points: points.map((point, i) => ({ ...point, onFront: matched && front[i] })),
        caption: matched
          ? `${RIGHT_AND_DOWN} Speeds are of the machines that sampled.`
          : 'Right and down is better, but entropies differ by more than 0.1 nats, so no front is drawn: a low perplexity may be that of dull text.',
      },
    });
  }
  const diverse = judged.filter((row) => row.figures.get('entropy')?.value);
  if (diverse.length > 1) {
    plots.push({
      title: 'Quality and diversity',
      plot: {
        x: ENTROPY_AXIS,
        y: PERPLEXITY_AXIS,
        points: diverse.map((row) => {
          const { value = null, ci95 = null } = row.figures.get('entropy') ?? {};
          return pointOf(row, value, ci95, settings);
        }),
        caption: 'At the same entropy, lower is better. Bars are 95% intervals.',
      },
    });
  }
  return plots;
}

/** Sampling speed, tokens per second, on the machine where it ran; null where not recorded. */
export function speedOf(row: ResultRow): number | null {
  const timed = row.figures.get('tokensPerSecond')?.value ?? numberOf(row, 'tokensPerSecond');
  if (timed !== null) return timed;
  const [samples, length, seconds] = ['samples.count', 'samples.length', 'samples.seconds'].map((path) =>
    numberOf(row, path),
  );
  return samples && length && seconds ? (samples * length) / seconds : null;
}

/** The settings that distinguish points of equal label. */
export function settingsApart(rows: readonly ResultRow[]): ReadonlyMap<ResultRow, string> {
  const texts = distinctionsOf(rows, labelOf, ({ record }) => settingsOf(record));
  return new Map(rows.map((row, i) => [row, texts[i]]));
}

const stepsOf = (row: ResultRow) => numberOf(row, 'samples.sampler.steps') ?? numberOf(row, 'sampler.steps');

const labelOf = (row: ResultRow): string =>
  stepsOf(row) === null ? row.model : `${row.model}, ${stepsOf(row)}`;

const seriesOf = (row: ResultRow): string =>
  fieldOf(row, 'samples.sampler') || fieldOf(row, 'sampler') ? row.model : `${row.model} (real text)`;

/** The point of a row: x given, y its perplexity. */
export function pointOf(
  row: ResultRow,
  x: number | null,
  xInterval: RowFigure['ci95'],
  settings: ReadonlyMap<ResultRow, string>,
): PlotPoint {
  const unknown = { value: null, stderr: null, ci95: null };
  const perplexity = row.figures.get('genPpl') ?? unknown;
  const details: [string, string][] = [
    ['drawn by', row.dataset],
    ['with', settings.get(row) ?? ''],
    ['perplexity', `${valueWithError(perplexity)} ${intervalOf(perplexity)}`],
    ['entropy', valueWithError(row.figures.get('entropy') ?? unknown)],
    ['tokens/s', plain(speedOf(row))],
    ['NFE', meanCount(numberOf(row, 'samples.nfe') ?? numberOf(row, 'nfe'))],
    ['temperature', plain(numberOf(row, 'samples.temperature'))],
  ];
  return {
    x: x ?? Number.NaN,
    y: perplexity.value ?? Number.NaN,
    xInterval,
    yInterval: perplexity.ci95,
    series: seriesOf(row),
    label: labelOf(row),
    details: details.filter(([, value]) => value.trim() !== ''),
    onFront: false,
  };
}
