/**
 * AUP (statistics/aup.ts) of models on a task whose answers are generated: of the settings of each model and sampler, from the results of all
 * of them. Its error is over items: every replicate draws items once for all settings and models, since the items are the same, and finds
 * the best accuracy anew where none is given.
 */
import { grouped } from '../../grouped.js';
import type { SampledFigure } from '../../records/figures.js';
import {
  accuracyUnderParallelism,
  aupEstimate,
  countedPoints,
  pointOfUnits,
  type UnitSums,
} from '../../statistics/aup.js';
import { bootstrap, RESAMPLES } from '../../statistics/bootstrap.js';
import type { TasksResult } from './record.js';

/** With fewer clusters of items there is no interval. */
const LEAST_UNITS = 8;

/**
 * The results with AUP on the slowest setting of each model and sampler, on tasks that one of them answered at several settings.
 * @param best y_max, a share; by default the best accuracy on the task in these results
 */
export function withAup(results: readonly TasksResult[], best: number | null = null): TasksResult[] {
  const found = new Map<TasksResult, Pick<TasksResult, 'aup'> & { figure: SampledFigure }>();
  for (const onTask of grouped(results.filter(isPoint), taskKey)) {
    const decoders = grouped(onTask, decoderKey);
    if (decoders.every((one) => one.length < 2)) continue;
    for (const [decoder, figure] of figuresOf(decoders, best)) {
      const points = decoder.map(pointOf).sort((a, b) => a.tokensPerForward - b.tokensPerForward);
      const counted = countedPoints(points);
      found.set(points[0].result, {
        figure,
        aup: {
          ...{ best: best ?? bestOf(onTask), isGiven: best !== null },
          resamples: figure.ci95 === null ? 0 : RESAMPLES,
          points: points.map((point) => ({
            steps: point.result.protocol.steps ?? null,
            ...(point.result.protocol.samplerOptions && {
              samplerOptions: point.result.protocol.samplerOptions,
            }),
            ...{ tokensPerForward: point.tokensPerForward, accuracy: point.accuracy },
            counts: counted.includes(point),
          })),
        },
      });
    }
  }
  return results.map((result) => {
    const { aup: _, metrics, ...others } = result;
    const { aup: __, ...figures } = metrics;
    const own = found.get(result);
    return own
      ? { ...others, metrics: { ...figures, aup: own.figure }, aup: own.aup }
      : { ...others, metrics: figures };
  });
}

const isPoint = ({ metrics, part }: TasksResult): boolean =>
  !part &&
  metrics.exactMatch?.value !== undefined &&
  metrics.exactMatch.value !== null &&
  !!metrics.tokensPerForward?.value;

const taskKey = ({ task, dataset, protocol: { shots, bos, tooLong } }: TasksResult): string =>
  JSON.stringify([
    task.name,
    task.sha256,
    dataset.sha256,
    dataset.limit,
    dataset.selection,
    shots,
    bos,
    tooLong,
  ]);

const decoderKey = ({ model, protocol: { sampler, seed } }: TasksResult): string =>
  JSON.stringify([model.name, model.sha256, sampler, seed]);

/** Of a result that {@link isPoint}. */
const pointOf = (result: TasksResult) => ({
  result,
  tokensPerForward: result.metrics.tokensPerForward?.value ?? 0,
  accuracy: result.metrics.exactMatch?.value ?? 0,
});

const bestOf = (results: readonly TasksResult[]): number =>
  Math.max(...results.map((result) => pointOf(result).accuracy));

function figuresOf(
  decoders: readonly TasksResult[][],
  best: number | null,
): Map<TasksResult[], SampledFigure> {
  const all = decoders.flat();
  const value = (decoder: readonly TasksResult[]) =>
    accuracyUnderParallelism(decoder.map(pointOf), best ?? bestOf(all));
  const columns = unitColumns(all);
  const units = columns?.[0].items.length ?? 0;
  if (!columns || units < LEAST_UNITS)
    return new Map(decoders.map((decoder) => [decoder, { value: value(decoder), stderr: null, ci95: null }]));
  const placeOf = new Map(all.map((result, place) => [result, place]));
  const places = decoders.map((decoder) => decoder.map((result) => placeOf.get(result) ?? 0));
  const replicates = decoders.map(() => new Float64Array(RESAMPLES));
  let replicate = 0;
  const { seed } = all[0].protocol;
  bootstrap(
    units,
    (indices) => {
      const points = columns.map((one) => pointOfUnits(one, indices));
      const most = best ?? Math.max(...points.map(({ accuracy }) => accuracy));
      for (const [d, own] of places.entries())
        replicates[d][replicate] = accuracyUnderParallelism(
          own.map((place) => points[place]),
          most,
        );
      return replicate++;
    },
    { seed: seed ?? 1 },
  );
  return new Map(decoders.map((decoder, d) => [decoder, aupEstimate(value(decoder), replicates[d], units)]));
}

/** Null where a result holds nothing of single items, or they are not of the same items. */
function unitColumns(results: readonly TasksResult[]): UnitSums[] | null {
  const [first] = results;
  const found: UnitSums[] = [];
  for (const { byItem } of results) {
    const { index, unit, exactMatch, written, calls } = byItem ?? {};
    if (!index || !unit || !exactMatch || !written || !calls) return null;
    if (index.join() !== first.byItem?.index.join()) return null;
    const count = Math.max(...unit) + 1;
    const sums = () => new Float64Array(count);
    const own = { items: sums(), right: sums(), written: sums(), calls: sums() };
    for (const [i, u] of unit.entries()) {
      own.items[u]++;
      own.right[u] += exactMatch[i];
      own.written[u] += written[i];
      own.calls[u] += calls[i];
    }
    found.push(own);
  }
  return found;
}
