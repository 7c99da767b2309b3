/** Checks in words, the same in every output format. */

import { plain } from '../../printing/numbers.js';

import { plainText } from '../../terminal-text.js';
import type { Check, GateRecord } from './checks.js';

/** `94.13 [93.0, 95.3]`, `+0.4% [-0.2%, 1.0%]`. */
export function figureText({ value, ci95, percent, kind }: Check): string {
  if (value === null) return '';
  const unit = percent ? '%' : '';
  const sign = kind.startsWith('max') && kind !== 'max' && value > 0 ? '+' : '';
  const width = ci95 ? ci95[1] - ci95[0] : 0;
  const shown = (one: number) => `${width > 0 ? roundToWidth(one, width) : plain(one)}${unit}`;
  return `${sign}${shown(value)}${ci95 ? ` [${shown(ci95[0])}, ${shown(ci95[1])}]` : ''}`;
}

/** Rounds to a hundredth of the width of the interval. */
function roundToWidth(value: number, width: number): string {
  const places = Math.min(12, Math.max(0, 1 - Math.floor(Math.log10(width))));
  return value.toFixed(places).replace(/^-(?=[0.]*$)/, '');
}

export function placeText({ model, dataset, apart }: Check): string {
  return plainText([dataset === '' ? model : `${model} on ${dataset}`, apart].filter(Boolean).join(', '));
}

/** `duo on ptb: ppl 94.1 [93.0, 95.3], limit ≤ 95: undecided; about 140 more sequences.` */
export function checkText(check: Check): string {
  const { baseline, metric, limit, verdict, wouldDecide } = check;
  const against = baseline === null ? '' : ` of ${plain(baseline)}`;
  return `${placeText(check)}: ${plainText(metric)} ${figureText(check) || 'unknown'}, limit ${limit}${against}: ${verdict}${wouldDecide === null ? '' : `; ${wouldDecide}`}.`;
}

/** `3 limits hold, 1 is broken, 2 are undecided, which counts as broken.` */
export function verdictText({ passed, failed, undecided, undecidedAs }: GateRecord): string {
  const counts = { pass: 'which counts as holding', fail: 'which counts as broken' };
  const as = undecided > 0 && undecidedAs ? `, ${counts[undecidedAs]}` : '';
  const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
  return `${count(passed, 'limit holds', 'limits hold')}, ${count(failed, 'is broken', 'are broken')}, ${count(undecided, 'is undecided', 'are undecided')}${as}.`;
}

/** Broken checks first, then undecided ones, otherwise in the given order. */
export function byUrgency(checks: readonly Check[]): Check[] {
  const order = { fail: 0, undecided: 1, pass: 2 };
  return [...checks].sort((a, b) => order[a.verdict] - order[b.verdict]);
}
