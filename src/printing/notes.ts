/** The lines under a table: under which protocol its figures came about, and what the reader must not overlook. */

import { frontierNotes } from '../evals/frontier/notes.js';
import { generativeNotes } from '../evals/generation/notes.js';
import { benchNotes } from '../evals/throughput/notes.js';
import {
  type Comparison,
  type PerplexityResult,
  type ResultsFile,
  resultsOf,
  type TextSampling,
} from '../records/record.js';
import { plainText } from '../terminal-text.js';

export const COMPARISON_TITLE = 'Difference in nats a text token, first model minus second';

/** What a protocol's figure is; the record's `integration` has the numbers. */
const MEANING: Record<string, string> = {
  duo: 'the mean over t in [0.001, 1], as the reference code takes it; it compares with published figures and is not a bound',
  strict: 'the integral over all noise levels, a bound on −ln p',
};

/** One paragraph an entry, plain text. @param drawError whether a column «draw error» is shown */
export function notesOf(file: ResultsFile, { drawError = true } = {}): string[] {
  const { comparisons } = file;
  const results = resultsOf(file, 'ppl');
  const notes = [...protocolLines(results), ...distinct(results.map(limitLine))];
  notes.push(...errorLines(results, comparisons));
  const drawn = results.filter(isDrawn);
  if (drawError && drawn.length > 0) {
    const bounded = drawn.some(({ protocol }) => protocol.draws === 1);
    notes.push(
      `"draw error" is that of nats/token over draws of the noise alone${bounded ? '; at 1 draw an upper bound of it' : ''}.`,
    );
  }
  if (comparisons.some(({ significant }) => significant === false)) {
    notes.push('~ marks a difference whose 95% interval holds 0.');
  }
  const bench = resultsOf(file, 'bench');
  const frontier = resultsOf(file, 'frontier');
  notes.push(...benchNotes(bench), ...frontierNotes(frontier));
  notes.push(...generativeNotes([...bench, ...resultsOf(file, 'gen')]));
  return notes;
}

/** On what two models are compared, and from which seed where a suite has several. */
export function datasetOf(row: Comparison & { seed?: number }): string {
  return row.seed === undefined ? row.dataset : `${row.dataset}, seed ${row.seed}`;
}

/** `~` when a difference may be chance, `?` when there is too little to say. */
export function markOf({ significant }: Pick<Comparison, 'significant'>): string {
  if (significant === null) return '?';
  return significant ? '' : '~';
}

/** One line a protocol and length: what is averaged over, how many draws that took, and which models need none. */
function protocolLines(results: readonly PerplexityResult[]): string[] {
  const alike = new Map<string, PerplexityResult[]>();
  for (const result of results) {
    const key = JSON.stringify([result.protocol.name, result.protocol.length]);
    alike.set(key, [...(alike.get(key) ?? []), result]);
  }
  return [...alike.values()].map((group) => {
    const { name, length } = group[0].protocol;
    const head = `Protocol ${name}, ${length} tokens a sequence`;
    const drawn = group.filter(isDrawn);
    const exact = distinct(group.filter((result) => !isDrawn(result)).map(({ model }) => model.family));
    const exactly = exact.length > 0 ? `${exact.join(', ')}: exact, nothing is drawn` : '';
    if (drawn.length === 0) return plainText(`${head}; ${exactly}.`);
    const meaning = MEANING[name] ? `: ${MEANING[name]}` : '';
    return plainText(`${head}, ${drawsOf(drawn)}${meaning}.${exactly && ` ${exactly}.`}`);
  });
}

/** `1 draw each`, or `8 to 64 draws each` where --until stopped some earlier. */
function drawsOf(drawn: readonly PerplexityResult[]): string {
  const counts = drawn.map(({ protocol }) => protocol.draws ?? 1);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (least < most) return `${least} to ${most} draws each`;
  return most === 1 ? '1 draw each' : `${most} draws each`;
}

/** What ± is over, a line for each kind: `± is the standard error over text: 19 documents of sotu …`. */
function errorLines(results: readonly PerplexityResult[], comparisons: readonly Comparison[]): string[] {
  if (results.length === 0) return [];
  const figures = results.map(({ dataset, metrics }) => ({ dataset: dataset.name, ...metrics.nll }));
  const units = distinct(
    figures.filter(({ unit }) => unit).map((one) => `${unitsText(one)} of ${plainText(one.dataset)}`),
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

/** `19 documents`, `22 blocks of 102 sequences`. */
export function unitsText({ unit, units, blockLength }: TextSampling): string {
  const count = (n: number | null | undefined, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`;
  if (unit === 'document') return count(units, 'document');
  if (blockLength === 1) return count(units, 'sequence');
  return `${count(units, 'block')} of ${count(blockLength, 'sequence')}`;
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

function distinct(lines: string[]): string[] {
  return [...new Set(lines)].filter(Boolean);
}
