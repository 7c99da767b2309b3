/** The lines under a table of perplexities: their protocol, and the caveats. */

import { USUAL_TIMES } from '../../diffusion/schedule.js';
import { grouped } from '../../grouped.js';
import { errorUnits } from '../../printing/notes.js';
import { fieldOf, type NoteContext, numberOf, type ResultRow } from '../../records/evaluation.js';
import type { Comparison } from '../../records/record.js';
import { plainText } from '../../terminal-text.js';
import { policyText } from './exact-likelihood.js';
import type { PerplexityResult } from './record.js';

/** What a protocol estimates; `integration` in the record has the numbers. */
function meaningOf({ name, timeRange }: PerplexityResult['protocol']): string | null {
  if (name === 'strict') return 'the integral over all noise levels, a bound on −ln p';
  if (name !== 'duo') return null;
  return `the mean over t in [${(timeRange ?? USUAL_TIMES).join(', ')}], as the reference code takes it; it compares with published figures and is not a bound`;
}

export function perplexityNotes(
  results: readonly PerplexityResult[],
  { comparisons, shows }: NoteContext,
): string[] {
  const notes = [
    ...protocolLines(results),
    ...rangesLine(results, comparisons),
    ...policyLines(results),
    ...ordersLine(results),
    ...boundLine(results),
  ];
  notes.push(...unique(results.map(limitLine)));
  notes.push(...errorLines(results, comparisons));
  const drawn = results.filter(isDrawn);
  if (shows('draw error') && drawn.length > 0) {
    const bounded = drawn.some(({ protocol }) => protocol.draws === 1);
    notes.push(
      `"draw error" is that of nats/token over draws of the noise alone${bounded ? '; at 1 draw an upper bound of it' : ''}.`,
    );
  }
  return notes;
}

/** What an exact likelihood is of. */
const OF_A_SAMPLER =
  'the exact likelihood of the sampler that reveals masked positions so, at temperature 1: not the model’s own, and not necessarily below its bound';

/** One line per protocol, length, start and tie rule of rows with a policy. */
function policyLines(results: readonly PerplexityResult[]): string[] {
  const alike = grouped(
    results.filter(({ protocol }) => protocol.policy !== undefined && !protocol.overOrders),
    ({ protocol: { name, length, from, ties, sigma } }) => [name, length, from, ties, sigma],
  );
  return alike.map((group) => {
    const [{ protocol }] = group;
    const policies = unique(group.map((result) => policyText(result.protocol)));
    const policy = policies.length === 1 ? policies[0] : 'the policy of each row';
    const start = protocol.from === 'all-masked' ? 'BOS is scored' : 'BOS is given';
    const ties = protocol.ties === 'seeded' ? 'one is drawn with the seed' : 'the lowest is first';
    const level = protocol.sigma ? ` The network reads the noise level ${protocol.sigma}.` : '';
    return plainText(
      `Protocol ${protocol.name}, ${protocol.length} tokens per sequence, ${policy}: ${OF_A_SAMPLER}. ${start}; of positions whose scores are within 1e-5, ${ties}.${level}`,
    );
  });
}

/** What rows over all orders are. */
function ordersLine(results: readonly PerplexityResult[]): string[] {
  const all = results.filter(({ protocol }) => protocol.overOrders);
  if (all.length === 0) return [];
  const lengths = [...new Set(all.map(({ protocol }) => protocol.length))].join(', ');
  const start = all[0].protocol.from === 'all-masked' ? 'BOS is scored' : 'BOS is given';
  return [
    `Over all orders, exactly, ${lengths} tokens per sequence: the evidence is the likelihood of the sampler that reveals a block's tokens one by one in a uniformly random order; the bound is the mean of ln p over the orders; the upper bound is that of the evidence, with each block's best order as ψ. ln p lies between the two, so the perplexity of the upper bound is the smallest. ${start}.`,
  ];
}

/** Of models beside rows with a policy. */
function boundLine(results: readonly PerplexityResult[]): string[] {
  if (!results.some(({ protocol }) => protocol.policy !== undefined)) return [];
  const drawn = results.filter(isDrawn);
  if (drawn.length === 0) return [];
  const names = unique(drawn.map(({ model }) => model.name)).join(', ');
  const gives = drawn.every(({ protocol }) => protocol.name === 'strict')
    ? ''
    : ' --protocol strict gives it.';
  return [
    plainText(
      `${names}: the bound is all that can be had; no order of unmasking gives an exact likelihood.${gives}`,
    ),
  ];
}

/** One line per protocol, length and range of times: what the average is over, the number of draws; once, the models that need none. */
function protocolLines(results: readonly PerplexityResult[]): string[] {
  const alike = grouped(
    results.filter(({ protocol }) => protocol.policy === undefined),
    ({ protocol }) => [protocol.name, protocol.length],
  );
  return alike.flatMap((group) => {
    const { name, length } = group[0].protocol;
    const head = `Protocol ${name}, ${length} tokens per sequence`;
    const exact = unique(group.filter((result) => !isDrawn(result)).map(({ model }) => model.family));
    const exactly = exact.length > 0 ? `${exact.join(', ')}: exact, nothing is drawn` : '';
    const drawn = grouped(group.filter(isDrawn), ({ protocol }) => protocol.timeRange ?? USUAL_TIMES);
    if (drawn.length === 0) return [plainText(`${head}; ${exactly}.`)];
    return drawn.map((some, i) => {
      const families = unique(some.map(({ model }) => model.family));
      const whose = drawn.length > 1 ? ` (${families.join(', ')})` : '';
      const meant = meaningOf(some[0].protocol);
      const meaning = meant === null ? '' : `: ${meant}`;
      const also = i === 0 && exactly ? ` ${exactly}.` : '';
      return plainText(`${head}${whose}, ${drawsOf(some)}${meaning}.${also}`);
    });
  });
}

/** That differences of means over different ranges of times say little; the whole integral of `strict` has one range. */
function rangesLine(results: readonly PerplexityResult[], comparisons: readonly Comparison[]): string[] {
  const averaged = results.filter((result) => isDrawn(result) && result.protocol.name === 'duo');
  const ranges = new Set(averaged.map(({ protocol }) => JSON.stringify(protocol.timeRange ?? USUAL_TIMES)));
  return comparisons.length === 0 || ranges.size < 2
    ? []
    : [
        'The ranges of t differ, so differences between them compare unlike means: --protocol strict compares the bounds.',
      ];
}

/** `1 draw each`, or `8 to 64 draws each` where `--until` stopped some earlier. */
function drawsOf(drawn: readonly PerplexityResult[]): string {
  const counts = drawn.map(({ protocol }) => protocol.draws ?? 1);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (least < most) return `${least} to ${most} draws each`;
  return most === 1 ? '1 draw each' : `${most} draws each`;
}

/** The units that ± is over, one line per kind: `± is the standard error over text: 19 documents of sotu …`. */
function errorLines(results: readonly PerplexityResult[], comparisons: readonly Comparison[]): string[] {
  const figures = results.map(({ dataset, metrics }) => ({ dataset: dataset.name, ...metrics.nll }));
  const units = unique(
    figures.filter(({ unit }) => unit).map((one) => `${errorUnits(one)} of ${plainText(one.dataset)}`),
  );
  const old = figures.some(({ unit }) => unit === undefined);
  const lines = old
    ? ['± of rows of an earlier duo-eval takes sequences as independent: too narrow on running text.']
    : [];
  if (units.length === 0) return lines;
  const effects = [...figures, ...comparisons].flatMap(({ designEffect }) => designEffect ?? []);
  const most = Math.sqrt(Math.max(0, ...effects));
  const wider = most >= 1.1 ? `, up to ${most.toFixed(1)} times that of independent sequences` : '';
  const short = figures.some(({ stderr, value }) => stderr === null && value !== null);
  const none = short ? ' Fewer than 3 give no interval.' : '';
  return [...lines, `± is the standard error over ${units.join('; ')}${wider}.${none}`];
}

function isDrawn({ protocol }: PerplexityResult): boolean {
  return protocol.estimator !== 'exact';
}

function limitLine({ dataset, cost }: PerplexityResult): string {
  if (dataset.limit === null || dataset.limit === undefined) return '';
  if (dataset.sequences !== null && cost.sequences >= dataset.sequences) return '';
  const of = dataset.sequences === null ? '' : ` of ${dataset.sequences}`;
  return plainText(
    dataset.selection === 'spread'
      ? `${dataset.name}: ${cost.sequences}${of} sequences, spread evenly.`
      : `${dataset.name}: only the first ${cost.sequences}${of} sequences, not a random sample.`,
  );
}

function unique(lines: string[]): string[] {
  return [...new Set(lines)].filter(Boolean);
}

/** The same for a report over several files. */
export function reportedNotes(rows: readonly ResultRow[]): string[] {
  const protocols = new Set(rows.map((row) => fieldOf(row, 'protocol.name')));
  const limited = rows.filter((row) => {
    const [limit, all] = [numberOf(row, 'dataset.limit'), numberOf(row, 'dataset.sequences')];
    return limit !== null && (all === null || limit < all);
  });
  return [
    `± is the standard error over ${unitsOfRows(rows)}: how the figure would vary on other text of the same kind. Bits per byte compare between tokenizers and families.`,
    ...(protocols.has('duo')
      ? [
          `Protocol duo: the mean over ${rangesOf(rows)}, as the reference code takes it; not a bound for diffusion models.`,
        ]
      : []),
    ...(protocols.has('strict')
      ? ['Protocol strict: the integral over all noise levels, a bound on −ln p.']
      : []),
    ...(rows.some((row) => fieldOf(row, 'protocol.policy')) ? [`With a policy: ${OF_A_SAMPLER}.`] : []),
    ...(protocols.size > 1 ? ['Figures of different protocols do not compare.'] : []),
    ...limitNotes(limited),
  ];
}

/** `t in [0.001, 1]`, or several ranges where the models' references differ. */
function rangesOf(rows: readonly ResultRow[]): string {
  const drawn = rows.filter((row) => fieldOf(row, 'protocol.name') === 'duo');
  const ranges = drawn.map((row) => {
    const [from, to] = [numberOf(row, 'protocol.timeRange.0'), numberOf(row, 'protocol.timeRange.1')];
    return from === null || to === null ? USUAL_TIMES.join(', ') : `${from}, ${to}`;
  });
  return unique(ranges)
    .map((range) => `t in [${range}]`)
    .join(' or ');
}

function limitNotes(limited: readonly ResultRow[]): string[] {
  const names = (rows: readonly ResultRow[]) =>
    [...new Set(rows.map(({ dataset }) => plainText(dataset)))].join(', ');
  const isSpread = (row: ResultRow) => fieldOf(row, 'dataset.selection') === 'spread';
  const [spread, first] = [limited.filter(isSpread), limited.filter((row) => !isSpread(row))];
  return [
    ...(spread.length > 0
      ? [`Of ${names(spread)} some sequences were evaluated, spread evenly over the data set.`]
      : []),
    ...(first.length > 0
      ? [`Only the first sequences of ${names(first)} were evaluated: not a random sample.`]
      : []),
  ];
}

/** `documents or blocks of text`; sequences, too narrow on running text, in files of an earlier version. */
function unitsOfRows(rows: readonly ResultRow[]): string {
  const units = new Set(rows.map(({ figures }) => figures.get('nll')?.unit ?? figures.get('ppl')?.unit));
  const kinds = [
    units.has('document') ? 'documents' : '',
    units.has('block') ? 'blocks of consecutive sequences' : '',
    units.has(undefined) ? 'sequences (files of an earlier duo-eval, too narrow on running text)' : '',
  ];
  return kinds.filter(Boolean).join(' or ');
}
