/**
 * Plots of generated texts: speed against quality, and quality against diversity, without which it means little. All commands and reports
 * draw them alike: colour is the model, shape the sampler, and a line joins the steps of both.
 */
import type { PlotPoint, ScatterPlot } from '../../printing/html/scatter-plot.js';
import { meanCount, plain, ratioText, valueWithError } from '../../printing/numbers.js';
import { distinctionsOf, settingsOf } from '../../records/distinctions.js';
import type { ResultRow, TitledPlot } from '../../records/evaluation.js';
import { paretoFront } from '../../statistics/pareto-front.js';
import type { ThroughputRecord } from '../throughput/record.js';
import { areEntropiesAlike, ENTROPY_GAP } from './notes.js';
import type { GenerativeResult } from './record.js';
import { samplingSpeed } from './texts.js';

export const SPEED_AXIS = { title: 'tokens per second', scale: 'log' } as const;
export const PERPLEXITY_AXIS = { title: 'generative perplexity', scale: 'log' } as const;
export const ENTROPY_AXIS = { title: 'unigram entropy, nats', scale: 'linear' } as const;
export const RIGHT_AND_DOWN = 'Right and down is better. Bars are 95% intervals.';
const KEY = 'Colour is the model, shape the sampler; a line joins the steps of both.';

/** `8 steps`. */
export function stepsLabel(sampler: { steps: number } | null): string {
  if (!sampler) return '';
  return sampler.steps === 1 ? '1 step' : `${sampler.steps} steps`;
}

/** What a mark stands for. */
export interface Configuration {
  model: string;
  /** With what else the shape stands for, such as `(uncached)`. */
  sampler: string;
  /** Null: one step per token, or nothing was sampled. */
  steps: number | null;
  /** Settings that distinguish it from others of its model and sampler; empty where there are none. */
  settings: string;
}

/** How a configuration is drawn in every plot. */
export function configurationMark({
  model,
  sampler,
  steps,
  settings,
}: Configuration): Pick<PlotPoint, 'series' | 'kind' | 'label'> {
  const shape = [sampler, settings].filter(Boolean).join(', ');
  return {
    series: `${model}, ${shape}`,
    kind: [model, shape],
    label: steps === null ? '' : stepsLabel({ steps }),
  };
}

/** A plot of configurations, their lines from few steps to many. */
export const configurationPlot = (
  plot: Omit<ScatterPlot, 'points'>,
  marks: readonly { point: PlotPoint; steps: number | null }[],
): ScatterPlot => ({
  ...{ ...plot, joined: true, key: KEY },
  points: [...marks].sort((a, b) => (a.steps ?? 0) - (b.steps ?? 0)).map(({ point }) => point),
});

/** A set of texts of `gen` or `bench`. */
export type DrawnTexts = Omit<GenerativeResult, 'eval'> & { throughput?: ThroughputRecord };

/**
 * Adds the settings that tell configurations of one model and sampler apart. The same configuration in two files is two series; one whose
 * steps stand in several files stays one.
 * @param records of the configurations   @param files of the records, where there are several
 */
export function configurationsOf(
  named: readonly Omit<Configuration, 'settings'>[],
  records: readonly object[],
  files?: readonly string[],
): Configuration[] {
  const places = named.map((_, i) => i);
  const settings = distinctionsOf(
    places,
    (i) => JSON.stringify([named[i].model, named[i].sampler]),
    (i) => settingsOf(records[i]),
  );
  const repeats = distinctionsOf(
    places,
    (i) => JSON.stringify([named[i], settings[i]]),
    (i) => new Map([['file', files?.[i] ?? '']]),
  );
  return named.map(({ model, sampler, steps }, i) => ({
    ...{ model, sampler, steps },
    settings: [settings[i], repeats[i]].filter(Boolean).join(', '),
  }));
}

const nameOf = ({ model, samples, throughput }: DrawnTexts) => ({
  model: model?.name ?? samples.name,
  sampler: `${samples.sampler?.name ?? (samples.control === undefined ? 'real text' : 'control')}${throughput?.cached === false ? ' (uncached)' : ''}`,
  steps: samples.sampler?.steps ?? null,
  batch: throughput?.batch,
});

function detailsOf({ samples, metrics, throughput, ...result }: DrawnTexts): PlotPoint['details'] {
  const details: [string, string][] = [
    ['gen. perplexity', valueWithError(metrics.genPpl)],
    ['entropy, nats', valueWithError(metrics.entropy)],
    ['tokens/s', plain(speedOf({ samples, throughput }))],
    ['NFE', meanCount(samples.nfe)],
    ['temperature', plain(samples.temperature)],
    ['judge', result.judge?.name ?? ''],
    ['× ar', plain(throughput?.speedUpOverAr ?? null)],
    ['× masked', plain(throughput?.speedUpOverMasked ?? null)],
    ['× against', throughput?.against ? ratioText(throughput.against.ratio) : ''],
  ];
  return details.filter(([, value]) => value !== '');
}

/** Tokens per second on the machine where it ran; null where not recorded. */
const speedOf = ({ samples, throughput }: Pick<DrawnTexts, 'samples' | 'throughput'>): number | null =>
  throughput?.tokensPerSecond.value ?? samplingSpeed(samples);

interface Panel {
  /** Undefined: the only one. */
  title: string | undefined;
  results: readonly DrawnTexts[];
}

/** More bands of entropy than these say less than one plot. */
const MOST_BANDS = 6;

/** One per batch size; else one per band of entropy, in which perplexities rank; else one for all. */
function panelsOf(results: readonly DrawnTexts[]): Panel[] {
  const batches = [...new Set(results.map(({ throughput }) => throughput?.batch ?? null))];
  const known = batches.filter((batch) => batch !== null).sort((a, b) => a - b);
  if (known.length > 1 && known.length === batches.length)
    return known.map((batch) => ({
      title: `batch ${batch}`,
      results: results.filter(({ throughput }) => throughput?.batch === batch),
    }));
  const bands = entropyBands(results);
  if (bands.length < 2 || bands.length > MOST_BANDS) return [{ title: undefined, results }];
  return bands.map((band) => {
    const entropies = band.flatMap((one) => entropyOf(one) ?? []);
    const [least, most] = [Math.min(...entropies), Math.max(...entropies)].map((one) => one.toFixed(2));
    return { title: `entropy ${least === most ? least : `${least} to ${most}`} nats`, results: band };
  });
}

const entropyOf = ({ metrics }: DrawnTexts) => metrics.entropy.value;

/** From low to high: each begins where the last would be wider than what still compares. */
function entropyBands(results: readonly DrawnTexts[]): DrawnTexts[][] {
  const known = results.filter((one) => entropyOf(one) !== null);
  if (known.length < results.length) return [];
  const sorted = [...known].sort((a, b) => (entropyOf(a) ?? 0) - (entropyOf(b) ?? 0));
  const bands: DrawnTexts[][] = [];
  for (const one of sorted) {
    const band = bands.at(-1);
    const least = band && entropyOf(band[0]);
    if (band && (entropyOf(one) ?? 0) - (least ?? 0) <= ENTROPY_GAP) band.push(one);
    else bands.push([one]);
  }
  return bands;
}

const DULL = 'a low perplexity may be that of dull text';

/** Throughput against quality; none where nothing is known of both. */
export function speedPlots(results: readonly DrawnTexts[], files?: readonly string[]): TitledPlot[] {
  const drawn = results.filter((one) => one.metrics.genPpl.value !== null && speedOf(one) !== null);
  if (drawn.length === 0) return [];
  const all = configurationsOf(results.map(nameOf), results, files);
  const configurationOf = new Map(results.map((one, i) => [one, all[i]]));
  const panels = panelsOf(drawn);
  const isOfBatches = panels.length > 1 && panels[0].title?.startsWith('batch');
  const isLevel = (panel: Panel) => areEntropiesAlike(panel.results.flatMap((one) => entropyOf(one) ?? []));
  const marks = panels.flatMap((panel) => {
    const front = paretoFront(
      panel.results.map((one) => ({ speed: speedOf(one), perplexity: one.metrics.genPpl.value })),
    );
    const level = isLevel(panel);
    return panel.results.map((one, i) => {
      // all of `results` are there
      const configuration = configurationOf.get(one)!;
      const point: PlotPoint = {
        ...configurationMark(configuration),
        x: speedOf(one) ?? Number.NaN,
        xInterval: one.throughput?.tokensPerSecond.ci95 ?? null,
        y: one.metrics.genPpl.value ?? Number.NaN,
        yInterval: one.metrics.genPpl.ci95,
        details: detailsOf(one),
        onFront: level && front[i],
        ...(panel.title !== undefined && { panel: panel.title }),
      };
      return { point, steps: configuration.steps };
    });
  });
  const uneven = panels.filter((panel) => !isLevel(panel));
  const caption = [
    RIGHT_AND_DOWN,
    drawn.some(({ throughput }) => !throughput) ? 'Speeds are of the machines that sampled.' : '',
    panels.length > 1
      ? `One panel a ${isOfBatches ? 'batch size' : 'band of entropies'}, on the same axes.`
      : '',
    panels.length > 1 && !isOfBatches
      ? `Texts whose entropies differ by more than ${ENTROPY_GAP} nats do not compare: ${DULL}.`
      : '',
    uneven.length > 0
      ? `Entropies differ by more than ${ENTROPY_GAP} nats${panels.length > 1 ? ` (${uneven.map(({ title }) => title).join(', ')})` : ''}, so no front is drawn${panels.length > 1 ? ' there' : ''}: ${DULL}.`
      : '',
  ];
  const axes = { x: SPEED_AXIS, y: PERPLEXITY_AXIS };
  return [
    {
      title: 'Speed and quality',
      plot: configurationPlot({ ...axes, caption: caption.filter(Boolean).join(' ') }, marks),
    },
  ];
}

/** Plots of the `gen` and `bench` rows of a report over several files. */
export function qualityPlots(rows: readonly ResultRow[]): TitledPlot[] {
  const judged = rows.filter((row) => row.figures.get('genPpl')?.value);
  if (judged.length < 2) return [];
  const results = judged.map(({ record }) => record as unknown as DrawnTexts);
  const files = judged.map(({ file }) => file);
  const configurations = configurationsOf(results.map(nameOf), results, files);
  const marks = results.flatMap((one, i) => {
    const { entropy, genPpl } = one.metrics;
    if (!entropy.value) return [];
    const point: PlotPoint = {
      ...configurationMark(configurations[i]),
      ...{ x: entropy.value, xInterval: entropy.ci95 },
      ...{ y: genPpl.value ?? Number.NaN, yInterval: genPpl.ci95 },
      ...{ details: detailsOf(one), onFront: false },
    };
    return [{ point, steps: configurations[i].steps }];
  });
  const caption = 'At the same entropy, lower is better. Bars are 95% intervals.';
  const axes = { x: ENTROPY_AXIS, y: PERPLEXITY_AXIS };
  return [
    ...speedPlots(results, files),
    ...(marks.length > 1
      ? [{ title: 'Quality and diversity', plot: configurationPlot({ ...axes, caption }, marks) }]
      : []),
  ];
}
