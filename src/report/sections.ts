/** A report as titled tables and notes, from which markdown and the page are written alike. */

import { isSignificant } from '../comparison/difference.js';
import { metricName } from '../comparison/printed-differences.js';
import { markOf } from '../printing/notes.js';
import {
  count,
  errorAlone,
  intervalOf as interval,
  plain,
  ratioText,
  valueAlone,
  valueWithError,
} from '../printing/numbers.js';
import { apartTexts, settingsOf } from '../records/distinctions.js';
import { fieldOf, numberOf, type ResultRow, type RowFigure, THROUGHPUT_RATIO } from '../records/rows.js';
import { plainText } from '../terminal-text.js';
import { environmentsOf, type Report } from './report.js';

export interface Table {
  head: readonly (readonly [string, 'left' | 'right'])[];
  rows: readonly string[][];
}

export interface Section {
  title: string;
  tables: readonly Table[];
  notes: readonly string[];
}

type Column = readonly [string, 'left' | 'right', (row: ResultRow) => string];
const NONE: RowFigure = { value: null, stderr: null, ci95: null, mcStderr: null };
const figure = (row: ResultRow, name: string): RowFigure => row.figures.get(name) ?? NONE;
const text = (path: string) => (row: ResultRow) => {
  const value = fieldOf(row, path);
  return value === null || value === undefined ? '' : plainText(String(value));
};
export const intervalOf = ({ ci95, stderr }: Pick<RowFigure, 'ci95' | 'stderr'>): string =>
  interval({ ci95: ci95 && [...ci95], stderr });

const PERPLEXITY: readonly Column[] = [
  ['model', 'left', ({ model }) => plainText(model)],
  ['data set', 'left', ({ dataset }) => plainText(dataset)],
  ['perplexity', 'right', (row) => valueWithError(figure(row, 'ppl'))],
  ['95% interval', 'right', (row) => intervalOf(figure(row, 'ppl'))],
  ['bits/byte', 'right', (row) => valueAlone(figure(row, 'bitsPerByte'))],
  ['nats/token', 'right', (row) => valueWithError(figure(row, 'nll'))],
  ['draw error', 'right', (row) => errorAlone(figure(row, 'nll').mcStderr)],
  ['sequences', 'right', (row) => count(numberOf(row, 'cost.sequences'))],
  ['draws', 'right', (row) => count(numberOf(row, 'protocol.draws'))],
  ['protocol', 'left', text('protocol.name')],
  ['length', 'right', (row) => count(numberOf(row, 'protocol.length'))],
];

/** Columns that say what a row is of. */
const NAMING = new Set([
  'model',
  'texts of',
  'data set',
  'drawn by',
  'draws',
  'protocol',
  'length',
  'samples',
  'judge',
]);

const GENERATED: readonly Column[] = [
  ['texts of', 'left', ({ model }) => plainText(model)],
  ['drawn by', 'left', (row) => (fieldOf(row, 'samples.sampler') ? plainText(row.dataset) : 'real text')],
  ['perplexity', 'right', (row) => valueWithError(figure(row, 'genPpl'))],
  ['95% interval', 'right', (row) => intervalOf(figure(row, 'genPpl'))],
  ['entropy', 'right', (row) => valueWithError(figure(row, 'entropy'))],
  ['distinct-2', 'right', (row) => plain(figure(row, 'distinct2').value)],
  ['repetition-4', 'right', (row) => plain(figure(row, 'repetition4').value)],
  ['model calls', 'right', (row) => plain(numberOf(row, 'samples.nfe'))],
  ['tokens/s', 'right', (row) => plain(throughputOf(row))],
  ['× against', 'right', againstOf],
  ['samples', 'right', (row) => count(numberOf(row, 'samples.count'))],
  ['judge', 'left', text('judge.name')],
];

/** At one entropy, so that perplexities compare. */
const FRONTIER: readonly Column[] = [
  ['model', 'left', ({ model }) => plainText(model)],
  ['drawn by', 'left', ({ dataset }) => plainText(dataset)],
  ['perplexity', 'right', (row) => valueWithError(figure(row, 'genPpl'))],
  ['95% interval', 'right', (row) => intervalOf(figure(row, 'genPpl'))],
  ['at entropy', 'right', (row) => plain(numberOf(row, 'target.entropy'))],
  ['temperature', 'right', (row) => plain(numberOf(row, 'temperature'))],
  ['tokens/s', 'right', (row) => plain(throughputOf(row))],
  ['model calls', 'right', (row) => plain(numberOf(row, 'nfe'))],
  ['on the front', 'left', (row) => (fieldOf(row, 'pareto') === true ? 'yes' : '')],
];

/** `1.12 [1.08, 1.16]` times as fast as another build; `~` when 1 lies in the interval. */
function againstOf(row: ResultRow): string {
  const { value, ci95 } = figure(row, THROUGHPUT_RATIO);
  return value === null ? '' : ratioText({ value, ci95 });
}

/** Rows that hold texts and how they were judged. */
export function isGenerated(row: ResultRow): boolean {
  return row.eval === 'gen' || row.eval === 'bench';
}

/** Tokens a second of the sampling, as it was timed where it was; null where a row does not say. */
export function throughputOf(row: ResultRow): number | null {
  const timed = row.figures.get('tokensPerSecond')?.value ?? numberOf(row, 'tokensPerSecond');
  if (timed !== null) return timed;
  const [samples, length, seconds] = ['samples.count', 'samples.length', 'samples.seconds'].map((path) =>
    numberOf(row, path),
  );
  return samples && length && seconds ? (samples * length) / seconds : null;
}

export function sectionsOf(report: Report): Section[] {
  const of = (name: string) => report.rows.filter((row) => row.eval === name);
  const generated = report.rows.filter(isGenerated);
  const others = report.rows.filter((row) => !isGenerated(row) && !['ppl', 'frontier'].includes(row.eval));
  return [
    {
      title: 'Zero-shot perplexity',
      tables: tablesOf(of('ppl'), PERPLEXITY),
      notes: perplexityNotes(of('ppl')),
    },
    { title: 'Generated text', tables: tablesOf(generated, GENERATED), notes: generativeNotes(generated) },
    {
      title: 'At matched entropy',
      tables: tablesOf(of('frontier'), FRONTIER),
      notes: [
        'Perplexity is interpolated over temperatures to one entropy, where models may be ranked by it.',
      ],
    },
    { title: 'Other figures', tables: othersOf(others), notes: [] },
    differencesSection(report),
  ].filter(({ tables }) => tables.length > 0);
}

/** Rows that would look alike are told apart, after the names. */
function tablesOf(rows: readonly ResultRow[], told: readonly Column[]): Table[] {
  if (rows.length === 0) return [];
  const names = told.filter(([title]) => NAMING.has(title));
  const labelOf = (row: ResultRow) => JSON.stringify(names.map(([, , cell]) => cell(row)));
  const apart = apartTexts(rows, labelOf, (row) => new Map([...settingsOf(row.record), ['file', row.file]]));
  const textOf = new Map(rows.map((row, i) => [row, apart[i]]));
  const columns = [
    ...told.slice(0, 2),
    ['with', 'left', (row) => textOf.get(row)!] satisfies Column,
    ...told.slice(2),
  ];
  const known = columns.filter(([, , cell]) => rows.some((row) => cell(row) !== ''));
  return [
    {
      head: known.map(([title, align]) => [title, align]),
      rows: rows.map((row) => known.map(([, , cell]) => cell(row))),
    },
  ];
}

function othersOf(rows: readonly ResultRow[]): Table[] {
  if (rows.length === 0) return [];
  return [
    {
      head: [
        ['evaluation', 'left'],
        ['of', 'left'],
        ['on', 'left'],
        ['figure', 'left'],
        ['value', 'right'],
        ['95% interval', 'right'],
      ],
      rows: rows.flatMap((row) =>
        [...row.figures].map(([name, one]) =>
          [row.eval, row.model, row.dataset, name, valueWithError(one), intervalOf(one)].map(plainText),
        ),
      ),
    },
  ];
}

function differencesSection({ differences }: Report): Section {
  const tilde = differences.some((one) => isSignificant(one) === false);
  const told = differences.some(({ apart }) => apart);
  const loose = differences.some(({ method }) => method === 'intervals');
  return {
    title: 'Differences',
    tables:
      differences.length === 0
        ? []
        : [
            {
              head: [
                ['first − second', 'left'],
                ['on', 'left'],
                ...(told ? [['with', 'left'] as const] : []),
                ['figure', 'left'],
                ['difference', 'right'],
                ['95% interval', 'right'],
                ['judged by', 'left'],
              ],
              rows: differences.map((one) => [
                plainText(
                  one.modelA === one.modelB && one.fileA === one.fileB
                    ? one.modelA
                    : one.modelA === one.modelB
                      ? `${one.modelA}: ${one.fileA} − ${one.fileB}`
                      : `${one.modelA} − ${one.modelB}`,
                ),
                plainText(one.dataset),
                ...(told ? [one.apart ?? ''] : []),
                metricName(one.metric),
                `${markOf({ significant: isSignificant(one) })} ${valueWithError(one)}`.trim(),
                intervalOf(one),
                one.method === 'paired' ? 'pairs' : 'intervals',
              ]),
            },
          ],
    notes: [
      ...(tilde ? ['~ marks a difference whose 95% interval holds 0: it may be chance.'] : []),
      ...(differences.length > 1
        ? [
            'Each interval is for itself: of twenty differences that are none, one is expected to look like one.',
          ]
        : []),
      ...(loose
        ? [
            '"intervals": the two count as independent, since their files do not hold the figures of the same sequences or samples.',
          ]
        : []),
    ],
  };
}

function perplexityNotes(rows: readonly ResultRow[]): string[] {
  const protocols = new Set(rows.map((row) => fieldOf(row, 'protocol.name')));
  const limited = rows.filter((row) => {
    const [limit, all] = [numberOf(row, 'dataset.limit'), numberOf(row, 'dataset.sequences')];
    return limit !== null && (all === null || limit < all);
  });
  return [
    `± is the standard error over ${unitsOfRows(rows)}: how the figure would vary on other text of the kind. Bits a byte compare between tokenizers and families.`,
    ...(protocols.has('duo')
      ? [
          'Protocol duo: the mean over t in [0.001, 1], as the reference code takes it; not a bound for diffusion models.',
        ]
      : []),
    ...(protocols.has('strict')
      ? ['Protocol strict: the integral over all noise levels, a bound on −ln p.']
      : []),
    ...(protocols.size > 1 ? ['Figures of different protocols do not compare.'] : []),
    ...limitNotes(limited),
  ];
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
  const told = [
    units.has('document') ? 'documents' : '',
    units.has('block') ? 'blocks of consecutive sequences' : '',
    units.has(undefined) ? 'sequences (files of an earlier duo-eval, too narrow on running text)' : '',
  ];
  return told.filter(Boolean).join(' or ');
}

/** Entropies further apart than this make generative perplexities incomparable, nats. */
const MATCHED_ENTROPY = 0.1;

export function entropiesMatch(rows: readonly ResultRow[]): boolean {
  const entropies = rows.map((row) => figure(row, 'entropy').value).filter((value) => value !== null);
  return Math.max(...entropies) - Math.min(...entropies) <= MATCHED_ENTROPY;
}

function generativeNotes(rows: readonly ResultRow[]): string[] {
  const notes = ['Perplexity is the judge’s; entropy is that of a sample’s tokens, in nats.'];
  if (rows.length > 1 && !entropiesMatch(rows)) {
    notes.push(
      `Entropies differ by more than ${MATCHED_ENTROPY} nats: text of low entropy has a low perplexity whether it is good or not, so these perplexities do not rank the models.`,
    );
  }
  return notes;
}

export function environmentSection({ rows }: Report): Section {
  const groups = environmentsOf(rows);
  const names = [...new Set(groups.flatMap(({ facts }) => facts.map(([name]) => name)))];
  return {
    title: 'Where it ran',
    tables: [
      {
        head: [['models', 'left'], ...names.map((name) => [name, 'left'] as const)],
        rows: groups.map(({ facts, models }) => [
          plainText(models.join(', ')),
          ...names.map((name) => plainText(new Map(facts).get(name) ?? '')),
        ]),
      },
    ],
    notes: [],
  };
}
