/**
 * The page of a training run: losses and gradient norms over the steps, as plots and as a table, the settings, and the command
 * that repeats it. For any kind of run with a loss per step.
 */

import { htmlTable } from '../printing/html/html-table.js';
import { linePlot, type PlotBand, type PlotLine } from '../printing/html/line-plot.js';
import { html, type Markup } from '../printing/html/markup.js';
import { htmlPage } from '../printing/html/page.js';
import { PLOT_SCRIPT } from '../printing/html/scatter-plot.js';
import {
  fewSteps,
  type StepWindow,
  smoothedCurve,
  sortedQuantile,
  stepWindows,
  thin,
} from './training-curve.js';

export interface TrainingPage {
  title: string;
  lead: string;
  /** Loss and gradient norm of every step so far, one after the other. */
  curve: Float32Array;
  /** Name of the loss, with its unit. */
  lossTitle: string;
  /** Held-out losses, by step; empty where there are none. */
  heldOut: readonly HeldOutLoss[];
  /** Steps where something changes; those not reached yet are left out. */
  places: readonly { step: number; label: string }[];
  /** Gradients of a larger norm are scaled down to it. */
  greatestNorm: number;
  /** Below the plot of the losses. */
  caption: string;
  /** Tables of names and values. */
  tables: readonly { title: string; rows: readonly (readonly [name: string, value: string])[] }[];
  /** Quoted for a shell. */
  command: string;
}

export interface HeldOutLoss {
  step: number;
  loss: number;
  stderr: number;
}

/** A band has at most this many parts, each of at least this many steps. */
const MOST_WINDOWS = 200;
const WINDOW_STEPS = 40;
const MOST_MARKS = 50;
const TABLE_ROWS = 12;
/** 95% of a normal distribution lies within this many standard deviations. */
const NORMAL_95 = 1.96;
/** Values with a larger ratio get a log axis. */
const WIDE = 30;

const STYLE = `
table { margin: .4rem 0 .8rem; } .facts th { font-weight: 400; vertical-align: top; min-width: 7rem; } .facts th, .facts td { white-space: normal; overflow-wrap: anywhere; }
@media print { td { font-size: .8rem; } pre { border: 1px solid var(--line); } }
`;

export function trainingPage(page: TrainingPage): string {
  const { curve, tables, command } = page;
  const steps = curve.length / 2;
  const column = (at: number) => Float32Array.from({ length: steps }, (_, i) => curve[2 * i + at]);
  const [loss, norm] = [column(0), column(1)];
  return htmlPage({
    title: page.title,
    lead: page.lead,
    body: html`${
      steps === 0
        ? html`<p>No steps yet.</p>`
        : html`${lossPlot(page, loss)}${normPlot(page, norm)}
<h2>Losses by step</h2>
${figures(page, loss, norm)}`
    }
${tables.map(
  ({ title, rows }) => html`<h2>${title}</h2>
${facts(rows)}`,
)}
<h2>How to repeat it</h2>
<p class="note">The same seed gives the same losses, bit for bit on the same number of threads.</p>
<pre>${command}</pre>`,
    script: PLOT_SCRIPT,
    style: STYLE,
  });
}

function lossPlot({ lossTitle, heldOut, places, caption }: TrainingPage, loss: Float32Array): Markup {
  const drawn = drawnSteps(loss, { label: 'loss', centre: 'mean', series: 0 });
  const shown = thin(heldOut, MOST_MARKS).map(({ step, loss, stderr }) => ({
    x: step,
    y: loss,
    interval: [loss - NORMAL_95 * stderr, loss + NORMAL_95 * stderr] as const,
    label: `step ${count(step)}`,
    details: [['held-out loss', `${figure(loss)} ± ${figure(stderr)}`]] as const,
  }));
  const range = axisRange([...drawn.range, ...shown.flatMap(({ interval }) => interval)]);
  const beyond = loss.reduce((sum, value) => sum + Number(value < range.low || value > range.high), 0);
  const notes = [
    caption,
    heldOut.length > 0
      ? 'Bars are 95% intervals of the held-out loss over its sequences. Every save uses the same sequences and the same noise, so a change between two saves is more certain than the bars suggest.'
      : '',
    beyond > 0 ? `${count(beyond)} of ${count(loss.length)} steps lie outside the axis.` : '',
  ];
  return linePlot({
    x: { title: 'step', scale: 'linear', range: stepsShown(loss.length) },
    y: { title: lossTitle, scale: range.scale, range: [range.low, range.high] },
    ...drawn,
    marks: { label: 'held-out text, at each save', points: shown, series: 1 },
    places: placesShown(places, loss.length),
    caption: notes.filter(Boolean).join(' '),
  });
}

function normPlot({ greatestNorm, places }: TrainingPage, norm: Float32Array): Markup {
  const drawn = drawnSteps(norm, { label: 'gradient norm', centre: 'median', series: 2 });
  const range = axisRange([...drawn.range.filter((value) => value > 0), greatestNorm]);
  const clipped = norm.reduce((sum, value) => sum + Number(value > greatestNorm), 0);
  return linePlot({
    x: { title: 'step', scale: 'linear', range: stepsShown(norm.length) },
    y: { title: 'gradient norm', scale: range.scale, range: [range.low, range.high] },
    ...drawn,
    places: placesShown(places, norm.length),
    levels: [{ y: greatestNorm, label: `clipped above ${greatestNorm}` }],
    caption: `Gradients of ${count(clipped)} of ${count(norm.length)} steps were clipped.`,
  });
}

/**
 * Few steps as a faint line, many as the band that holds 80% of them. Through them a smoothed line of means, or of medians if
 * single steps would dominate a mean.
 */
function drawnSteps(
  values: Float32Array,
  { label, centre, series }: { label: string; centre: 'mean' | 'median'; series: number },
): { lines: PlotLine[]; band: PlotBand | null; range: number[] } {
  const steps = fewSteps(values);
  const windows = stepWindows(values, Math.min(MOST_WINDOWS, Math.ceil(values.length / WINDOW_STEPS)));
  const middle = ({ first, last }: StepWindow) => (first + last) / 2;
  const medians = !steps && centre === 'median';
  const smoothed = medians
    ? windows.map((window) => ({ x: middle(window), y: window.median }))
    : smoothedCurve(values).map(({ step, value }) => ({ x: step, y: value }));
  const name = `${label}, ${medians ? 'median' : 'smoothed'}`;
  const through: PlotLine = { label: name, points: smoothed, series };
  const ends = smoothed.map(({ y }) => y);
  if (!steps) {
    const points = windows.map((window) => ({ x: middle(window), low: window.low, high: window.high }));
    const extent = [...points.map(({ low }) => low), ...points.map(({ high }) => high)].sort((a, b) => a - b);
    return {
      lines: [through],
      band: { label: '80% of the steps', points, series },
      range: [...ends, sortedQuantile(extent, 0.01), sortedQuantile(extent, 0.99)],
    };
  }
  const sorted = Float64Array.from(values).sort();
  const each: PlotLine = {
    label: 'each step',
    points: steps.map(({ step, value }) => ({ x: step, y: value })),
    faint: true,
    series,
  };
  return {
    lines: [each, through],
    band: null,
    range: [...ends, sortedQuantile(sorted, 0.01), sortedQuantile(sorted, 0.99)],
  };
}

/** An axis that holds the values; logarithmic if they are positive and far apart. */
function axisRange(values: readonly number[]): { low: number; high: number; scale: 'log' | 'linear' } {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low > 0 && high / low > WIDE) return { low: low / 1.1, high: high * 1.1, scale: 'log' };
  const room = 0.05 * (high - low || 1);
  return { low: low >= 0 ? Math.max(0, low - room) : low - room, high: high + room, scale: 'linear' };
}

const stepsShown = (steps: number): [number, number] => [steps === 1 ? 0 : 1, steps];

const placesShown = (places: TrainingPage['places'], steps: number) =>
  places.filter(({ step }) => step <= steps).map(({ step, label }) => ({ x: step, label }));

function facts(rows: TrainingPage['tables'][number]['rows']): Markup {
  return html`<table class="facts"><tbody>
${rows.map(
  ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>
`,
)}</tbody></table>
`;
}

/** The content of the plots as a table of a dozen rows. */
function figures({ heldOut }: TrainingPage, loss: Float32Array, norm: Float32Array): Markup {
  const norms = stepWindows(norm, TABLE_ROWS);
  const rows = stepWindows(loss, TABLE_ROWS).map(({ first, last, mean }, i) => {
    const save = heldOut.findLast(({ step }) => step >= first && step <= last);
    return [
      first === last ? count(first) : `${count(first)} to ${count(last)}`,
      figure(mean),
      norms[i].mean.toPrecision(3),
      ...(heldOut.length > 0 ? [save ? `${figure(save.loss)} ± ${figure(save.stderr)}` : ''] : []),
    ];
  });
  return htmlTable(
    [
      ['steps', 'left'],
      ['mean loss', 'right'],
      ['mean gradient norm', 'right'],
      ...(heldOut.length > 0 ? [['held-out loss, last save', 'right'] as const] : []),
    ],
    rows,
  );
}

const count = (value: number): string => value.toLocaleString('en-US');

/** Four decimals; four significant digits for small values, such as divergences. */
const figure = (value: number): string =>
  Math.abs(value) < 0.01 && value !== 0 ? value.toPrecision(4) : value.toFixed(4);
