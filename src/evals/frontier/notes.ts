/** The lines under a table of sweeps: the entropy of the comparison, and the models that do not reach it. */
import { distinctionsOf } from '../../records/distinctions.js';
import { plainText } from '../../terminal-text.js';
import type { FrontierResult } from './record.js';

/** @param labelOf the label of a row */
export function frontierNotes(
  results: readonly FrontierResult[],
  labelOf: (result: FrontierResult) => string,
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
  return notes.map(plainText);
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
