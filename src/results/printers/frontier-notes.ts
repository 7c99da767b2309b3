/** At which entropy models were compared, and which of them do not reach it. */
import { plainText } from '../../terminal-text.js';
import type { FrontierResult } from '../throughput-record.js';

/** One paragraph an entry, plain text; none without results. */
export function frontierNotes(results: readonly FrontierResult[]): string[] {
  if (results.length === 0) return [];
  const [{ target, judge, protocol }] = results;
  const of = target.dataset === null ? '' : `, that of ${target.dataset}`;
  const notes = [
    `Generative perplexity at an entropy of ${target.entropy.toFixed(3)} nats${of}, interpolated between temperatures; judged by ${judge.name}, windows of ${judge.context} tokens, protocol ${protocol.name}. ± and interval: bootstrap over samples.`,
  ];
  for (const { model, sampler, metrics, points, outside } of results) {
    const name = `${model.name}, ${sampler.name}, ${sampler.steps} steps`;
    if (metrics.genPpl.value === null) {
      const entropies = points.map(({ entropy }) => entropy.value ?? Number.NaN);
      const below = Math.max(...entropies) < target.entropy;
      notes.push(
        `${name}: no temperature of the sweep reaches this entropy; ${below ? 'higher' : 'lower'} --temperatures would.`,
      );
    } else if (metrics.genPpl.ci95 === null) {
      notes.push(
        `${name}: no interval, since ${(100 * outside).toFixed(0)}% of the replicates do not reach this entropy; give --temperatures on both sides.`,
      );
    }
  }
  if (results.some(({ pareto }) => pareto))
    notes.push('* marks the Pareto front: no other is as fast and as good.');
  return notes.map(plainText);
}
