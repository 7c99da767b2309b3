/** The papers' figures next to the user's: tables of perplexities and of generated text, and why they may not compare. */

import { valueWithError } from '../printing/numbers.js';
import { fieldOf, numberOf, type ResultRow } from '../records/evaluation.js';
import { plainText } from '../terminal-text.js';
import {
  PUBLISHED_DATASETS,
  PUBLISHED_MODELS,
  PUBLISHED_SAMPLINGS,
  PUBLISHED_SOURCE,
  PUBLISHED_STEPS,
  reasonsNotComparable,
} from './published.js';
import type { Section, Table } from './report.js';

const MARK = ' †';

/** @returns null where the papers have no figures of the kind of any row */
export function publishedSection(rows: readonly ResultRow[]): Section | null {
  const ours = rows.filter(
    ({ evaluation, figures, dataset }) =>
      evaluation?.scoresText && figures.has('ppl') && isPublished(dataset),
  );
  const drawn = rows.filter((row) => fieldOf(row, 'samples.sampler'));
  const tables = [perplexityTable(ours), generationTable(drawn)].filter((table) => table !== null);
  if (tables.length === 0) return null;
  const apart = [...ours, ...drawn].map((row) => ({
    name: plainText(`${row.model} (${row.dataset})`),
    reasons: reasonsNotComparable(row),
  }));
  const all = new Set(apart.map(({ name }) => name)).size;
  const rowsOf = (reason: string) => {
    const names = new Set(apart.filter(({ reasons }) => reasons.includes(reason)).map(({ name }) => name));
    return names.size === all ? '' : ` (${[...names].join(', ')})`;
  };
  const reasons = [...new Set(apart.flatMap((one) => one.reasons))].map((reason) => reason + rowsOf(reason));
  const notes =
    reasons.length === 0
      ? []
      : [
          `† Does not compare${all > 1 ? '; where no rows are named, it is all' : ''}: ${reasons.join('; ')}.`,
        ];
  return {
    title: 'Beside published figures',
    tables,
    notes: [
      `${PUBLISHED_SOURCE}. They are context: public checkpoints that others ran anew miss them by up to 29%.`,
      ...notes,
    ],
  };
}

function isPublished(dataset: string): boolean {
  return (PUBLISHED_DATASETS as readonly string[]).includes(dataset);
}

function withMark(row: ResultRow, text: string): string {
  return text === '' ? '' : `${text}${reasonsNotComparable(row).length > 0 ? MARK : ''}`;
}

function perplexityTable(ours: readonly ResultRow[]): Table | null {
  const there = PUBLISHED_DATASETS.map((name, at) => ({ name, at })).filter(({ name }) =>
    ours.some(({ dataset }) => dataset === name),
  );
  if (there.length === 0) return null;
  const models = [...new Set(ours.map(({ model }) => model))];
  return {
    head: [['perplexity', 'left'], ...there.map(({ name }) => [name, 'right'] as const)],
    rows: [
      ...PUBLISHED_MODELS.map(({ name, perplexities: values, rerun }) => [
        `${name}${rerun ? '' : ', published'}`,
        ...there.map(({ at }) => values[at].toFixed(2)),
      ]),
      ...models.map((model) => [
        `${plainText(model)}, here`,
        ...there.map(({ name }) => {
          const row = ours.find((one) => one.model === model && one.dataset === name);
          return row ? withMark(row, valueWithError(row.figures.get('ppl') ?? NOTHING)) : '';
        }),
      ]),
    ],
  };
}

const NOTHING = { value: null, stderr: null };

/** The papers' figures at the numbers of steps in the rows; perplexity and entropy share a cell. */
function generationTable(drawn: readonly ResultRow[]): Table | null {
  if (drawn.length === 0) return null;
  const stepsOf = (row: ResultRow) => numberOf(row, 'samples.sampler.steps');
  const here = new Set(drawn.map(stepsOf));
  const steps = PUBLISHED_STEPS.map((count, at) => ({ count, at })).filter(({ count }) => here.has(count));
  if (steps.length === 0) return null;
  const subjects = [...new Set(drawn.map((row) => `${row.model}, ${fieldOf(row, 'samples.sampler.name')}`))];
  return {
    head: [
      ['generative perplexity (entropy)', 'left'],
      ...steps.map(({ count }) => [`${count} steps`, 'right'] as const),
    ],
    rows: [
      ...PUBLISHED_SAMPLINGS.map(({ model, sampler, figures }) => [
        `${model}, ${sampler}, published`,
        ...steps.map(({ at }) => `${figures[at][0].toFixed(2)} (${figures[at][1].toFixed(2)})`),
      ]),
      ...subjects.map((subject) => [
        `${plainText(subject)}, here`,
        ...steps.map(({ count }) => {
          const row = drawn.find(
            (one) =>
              stepsOf(one) === count && `${one.model}, ${fieldOf(one, 'samples.sampler.name')}` === subject,
          );
          const [perplexity, entropy] = ['genPpl', 'entropy'].map(
            (name) => row?.figures.get(name)?.value ?? null,
          );
          if (!row || perplexity === null) return '';
          return withMark(
            row,
            `${perplexity.toFixed(2)}${entropy === null ? '' : ` (${entropy.toFixed(2)})`}`,
          );
        }),
      ]),
    ],
  };
}
