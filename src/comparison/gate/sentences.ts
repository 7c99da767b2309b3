/** A check in words, the same in every form it is printed in. */

import { plain } from '../../printing/numbers.js';
import { THROUGHPUT_RATIO } from '../../records/rows.js';
import { plainText } from '../../terminal-text.js';
import type { Check, GateRecord } from './checks.js';

/** `94.13 [93.0, 95.3]`, `+0.4% [-0.2%, 1.0%]`. */
export function figureText({ value, ci95, percent, kind }: Check): string {
  if (value === null) return '';
  const unit = percent ? '%' : '';
  const sign = kind.startsWith('max') && kind !== 'max' && value > 0 ? '+' : '';
  const width = ci95 ? ci95[1] - ci95[0] : 0;
  const shown = (one: number) => `${width > 0 ? rounded(one, width) : plain(one)}${unit}`;
  return `${sign}${shown(value)}${ci95 ? ` [${shown(ci95[0])}, ${shown(ci95[1])}]` : ''}`;
}

/** To a hundredth of the interval's width. */
function rounded(value: number, width: number): string {
  const places = Math.min(12, Math.max(0, 1 - Math.floor(Math.log10(width))));
  return value.toFixed(places).replace(/^-(?=[0.]*$)/, '');
}

/** What would decide an undecided check: `140 more sequences (the data set has 74) or 3 more draws`. */
export function neededText(check: Check): string {
  const { needed, available, eval: evaluation, metric, verdict } = check;
  if (verdict !== 'undecided') return '';
  if (evaluation === 'bench' && metric === 'tokensPerSecond' && check.ci95 === null)
    return 'six rounds and more, which give an interval (more --samples)';
  const ofRounds = metric === THROUGHPUT_RATIO;
  if (ofRounds && check.ci95 === null)
    return 'three rounds and more, which give an interval (more --samples)';
  if (!needed || (needed.units === null && needed.draws === null)) return 'too little to say how much more';
  const units = ofRounds ? 'round' : evaluation === 'ppl' ? 'sequence' : 'sample';
  const parts: string[] = [];
  if (needed.units !== null) {
    if (isBeyond(check, needed.units)) {
      if (needed.draws === null)
        return `other text, or a wider limit (all ${available} ${units}s of this data set are too few)`;
    } else parts.push(`${needed.units} more ${units}${needed.units === 1 ? '' : 's'}`);
  }
  if (needed.draws !== null)
    parts.push(`${needed.draws} more draw${needed.draws === 1 ? '' : 's'} a ${units}`);
  return `about ${parts.join(', or ')}${ofRounds ? ' (more --samples of bench)' : ''}`;
}

/** More than the data set has left. */
function isBeyond({ have, available, metric }: Check, more: number): boolean {
  return metric !== THROUGHPUT_RATIO && available !== null && (have ?? 0) + more > available;
}

export function placeText({ model, dataset, apart }: Check): string {
  return plainText([dataset === '' ? model : `${model} on ${dataset}`, apart].filter(Boolean).join(', '));
}

/** `duo on ptb: ppl 94.1 [93.0, 95.3], limit ≤ 95: undecided; about 140 more sequences.` */
export function checkText(check: Check): string {
  const { baseline, metric, limit, verdict } = check;
  const against = baseline === null ? '' : ` of ${plain(baseline)}`;
  const needed = neededText(check);
  return `${placeText(check)}: ${plainText(metric)} ${figureText(check) || 'unknown'}, limit ${limit}${against}: ${verdict}${needed && `; ${needed}`}.`;
}

/** `3 gates hold, 1 is broken, 2 are undecided.` */
export function verdictText({ passed, failed, undecided }: GateRecord): string {
  const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
  return `${count(passed, 'limit holds', 'limits hold')}, ${count(failed, 'is broken', 'are broken')}, ${count(undecided, 'is undecided', 'are undecided')}.`;
}

/** Broken ones first, then undecided ones, each in their order. */
export function byUrgency(checks: readonly Check[]): Check[] {
  const order = { fail: 0, undecided: 1, pass: 2 };
  return [...checks].sort((a, b) => order[a.verdict] - order[b.verdict]);
}
