/** The lines under a table of sweeps: the entropy of the comparison, and the models that do not reach it. */

import { valueWithError } from '../../printing/numbers.js';
import { distinctionsOf } from '../../records/distinctions.js';
import type { AnyResult } from '../../records/record.js';
import { plainText } from '../../terminal-text.js';
import {
  ENTROPY_GAP,
  type Measured,
  measuredRows,
  tooFewSamples,
  unscoredNotes,
} from '../generation/notes.js';
import type { FrontierResult } from './record.js';

/** @param labelOf the label of a row   @param all results of the file, among them naive samplers */
export function frontierNotes(
  results: readonly FrontierResult[],
  { labelOf, all }: { labelOf: (result: FrontierResult) => string; all: readonly AnyResult[] },
): string[] {
  const notes = targetLines(results);
  const settings = distinctionsOf(results, labelOf);
  /** Names by what is to be said of them. */
  const open = new Map<string, string[]>();
  for (const [i, result] of results.entries()) {
    const { metrics, points, outside, target } = result;
    let said: string | null = null;
    if (metrics.genPpl.value === null) {
      const entropies = points.map(({ entropy }) => entropy.value ?? Number.NaN);
      const below = Math.max(...entropies) < target.entropy;
      said = `no temperature of the sweep reaches this entropy; ${below ? 'higher' : 'lower'} --temperatures would.`;
    } else if (metrics.genPpl.ci95 === null && outside > 0)
      said = `no interval, since ${(100 * outside).toFixed(0)}% of the replicates do not reach this entropy; give --temperatures on both sides.`;
    if (said === null) continue;
    const name = [labelOf(result), settings[i]].filter(Boolean).join(', ');
    open.set(said, [...(open.get(said) ?? []), name]);
  }
  for (const [said, names] of open) notes.push(`${names.join('; ')}: ${said}`);
  if (results.some(({ pareto }) => pareto)) {
    const fronts = new Set(
      results.map(({ protocol, length, target }) => JSON.stringify([protocol.seed, length, target])),
    );
    const own = fronts.size > 1 ? ' of its seed, length and entropy' : '';
    notes.push(`* marks the Pareto front: no other${own} is as fast and as good.`);
  }
  return [
    ...notes,
    ...unscoredNotes(
      results.flatMap((result) =>
        result.points.map(({ temperature, samples, unscored }) => ({
          ...{ name: `${labelOf(result)} at temperature ${temperature}`, count: samples, unscored },
        })),
      ),
    ),
    ...precisionLines(results, labelOf),
    ...measureLines(results),
    ...controlLines(results, { labelOf, all }),
  ].map(plainText);
}

/** Says where the intervals are too wide to mean much, and how many samples would make them narrow. */
function precisionLines(
  results: readonly FrontierResult[],
  labelOf: (result: FrontierResult) => string,
): string[] {
  const open = results.flatMap((result) => {
    const { ci95 } = result.metrics.genPpl;
    const samples = Math.min(...result.points.map((point) => point.samples));
    return ci95 ? [{ name: labelOf(result), samples, half: Math.log(ci95[1] / ci95[0]) / 2 }] : [];
  });
  const line = tooFewSamples(open);
  return line === null ? [] : [line];
}

function measureLines(results: readonly FrontierResult[]): string[] {
  const [one] = results.filter(({ metrics }) => metrics.mauve || metrics.brierLm);
  if (!one) return [];
  return [
    'MAUVE, BrierLM, JS-n and self-BLEU are interpolated to that entropy, too. Their ± add the errors of both neighbouring temperatures, as if these were one, and that of the entropy.',
  ];
}

/** Naive samplers that the judge prefers to a model at the same entropy. */
function controlLines(
  results: readonly FrontierResult[],
  { labelOf, all }: { labelOf: (result: FrontierResult) => string; all: readonly AnyResult[] },
): string[] {
  const controls = measuredRows(all).filter(({ samples }) => samples.control !== undefined);
  const beaten = controls.flatMap((control) => {
    const { samples, metrics } = control;
    const { genPpl } = metrics;
    const [, high] = genPpl.ci95 ?? [];
    const models = results.filter(
      (result) =>
        high !== undefined && high < (result.metrics.genPpl.ci95?.[0] ?? 0) && isAtTarget(control, result),
    );
    return models.length === 0
      ? []
      : [`control ${samples.name} (${valueWithError(genPpl)}) beats ${models.map(labelOf).join('; ')}`];
  });
  return beaten.length === 0
    ? []
    : [
        `gen. perplexity is gamed at this entropy: ${beaten.join('. And ')}. Controls write without a model, so this figure alone does not say which texts are good.`,
      ];
}

/** Whether a control has the entropy of a sweep's target, in texts of its length and under its judge: other parts of a suite have controls, too. */
function isAtTarget({ samples, judge, metrics }: Measured, { length, judge: own, target }: FrontierResult) {
  const { value } = metrics.entropy;
  const isNear = value !== null && Math.abs(value - target.entropy) <= ENTROPY_GAP;
  return isNear && samples.length === length && judge?.sha256 === own.sha256;
}

/** One line where all were compared alike, else one per length, entropy and judge, with its models. */
function targetLines(results: readonly FrontierResult[]): string[] {
  const alike = new Map<string, FrontierResult[]>();
  for (const result of results) {
    const { target, judge, protocol, length } = result;
    const key = JSON.stringify([target, judge.name, judge.context, protocol.name, length]);
    alike.set(key, [...(alike.get(key) ?? []), result]);
  }
  const lines = [...alike.values()].map((group) => {
    const [{ target, judge, protocol, length }] = group;
    const names = [...new Set(group.map(({ model }) => model.name))].join(', ');
    const whose = alike.size > 1 ? `${names}, ${length} tokens per sample: generative` : 'Generative';
    const of = target.dataset === null ? '' : `, that of ${target.dataset}`;
    return `${whose} perplexity at an entropy of ${target.entropy.toFixed(3)} nats${of}, interpolated between temperatures; judged by ${judge.name}, windows of ${judge.context} tokens, protocol ${protocol.name}. ± and interval: over samples, all temperatures resampled together (bootstrap).`;
  });
  return alike.size > 1
    ? [
        ...lines,
        'Entropies of different lengths or of different tokenizers do not compare, nor do these perplexities.',
      ]
    : lines;
}
