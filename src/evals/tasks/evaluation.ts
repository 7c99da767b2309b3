/** What `tasks` declares of its results: a model on a task, one row each. */
import { type Column, count, figure, flag, number, text } from '../../printing/columns.js';
import { environmentColumns } from '../../records/environment-columns.js';
import type { Evaluation, PairedDifference, Pairing, ResultRow } from '../../records/evaluation.js';
import { RANGES } from '../../records/plausible.js';
import { plainText } from '../../terminal-text.js';
import { joinedParts } from './item-rows.js';
import { taskNotes } from './notes.js';
import { clusteredRatio } from './outcomes.js';
import { withAup } from './parallelism.js';
import { type TasksResult, tasksRecord } from './record.js';
import { taskRepetition } from './repetition.js';

const share = (value: number | null): string => (value === null ? '' : `${(100 * value).toFixed(1)}%`);
/** `61.2% ± 1.4` */
const shareWithError = ({ value, stderr }: { value: number | null; stderr: number | null }): string =>
  stderr === null ? share(value) : `${share(value)} ± ${(100 * stderr).toFixed(1)}`;

/** The headline of a row: the first of its metrics that there is. */
const HEADLINES = ['acc', 'exactMatch', 'perplexity', 'wordPerplexity', 'bitsPerByte'] as const;
const intervalText = ({ metrics }: TasksResult): string => {
  const name = HEADLINES.find((one) => metrics[one]);
  const ci95 = name && metrics[name]?.ci95;
  if (!name || !ci95) return '';
  const [low, high] = ci95;
  if (name === 'acc' || name === 'exactMatch') return `${share(low)} to ${share(high)}`;
  return `${low.toPrecision(4)} to ${high.toPrecision(4)}`;
};

const parts = ['stderr', 'ci95', 'mcStderr'] as const;
const columns: readonly Column<TasksResult>[] = [
  text('eval', (result) => result.eval),
  text('task', ({ task }) => task.name, { title: 'task', isName: true }),
  text('model', ({ model }) => model.name, { title: 'model', isName: true }),
  text('family', ({ model }) => model.family, { title: 'family' }),
  text('split', ({ dataset }) => dataset.split, { title: 'split' }),
  count('shots', ({ protocol }) => protocol.shots, { title: 'shots' }),
  figure('acc', ({ metrics }) => metrics.acc, { title: 'acc', text: shareWithError }, parts),
  text(null, intervalText, { title: '95% interval', align: 'right' }),
  figure('acc_norm', ({ metrics }) => metrics.accNorm, { title: 'acc_norm', text: shareWithError }, parts),
  figure('acc_bytes', ({ metrics }) => metrics.accBytes, { title: 'acc_bytes', text: shareWithError }, parts),
  figure(
    'exact_match',
    ({ metrics }) => metrics.exactMatch,
    { title: 'exact match', text: shareWithError },
    parts,
  ),
  figure('perplexity', ({ metrics }) => metrics.perplexity, { title: 'perplexity' }, parts),
  figure('answer_nll', ({ metrics }) => metrics.answerNll, { title: 'nats/answer' }, parts),
  figure('word_perplexity', ({ metrics }) => metrics.wordPerplexity, { title: 'perplexity/word' }, parts),
  figure('word_nll', ({ metrics }) => metrics.wordNll, {}, parts),
  figure('byte_perplexity', ({ metrics }) => metrics.bytePerplexity, {}, parts),
  figure('byte_nll', ({ metrics }) => metrics.byteNll, {}, parts),
  figure('bits_per_byte', ({ metrics }) => metrics.bitsPerByte, { title: 'bits/byte' }, parts),
  count('items', ({ items }) => items.count, { title: 'items' }),
  count('units', ({ items }) => items.units),
  count('cut', ({ items }) => items.cut, { title: 'cut' }),
  number('flips', ({ items }) => items.flips, { title: 'flips', text: (value) => value.toFixed(1) }),
  number('chance', ({ items }) => items.chance, { title: 'chance', text: share }),
  text('estimator', ({ protocol }) => protocol.estimator, { title: 'likelihood' }),
  text('policy', ({ protocol }) => protocol.policy),
  count('draws', ({ protocol }) => protocol.draws),
  number('until', ({ protocol }) => protocol.until),
  count('seed', ({ protocol }) => protocol.seed),
  text('tail', ({ protocol }) => protocol.tail, { title: 'tail' }),
  text('bos', ({ protocol }) => protocol.bos),
  text('too_long', ({ protocol }) => protocol.tooLong),
  flag('clustered', ({ items }) => items.clustered),
  count('tokens', ({ cost }) => cost.tokens),
  count('model_calls', ({ cost }) => cost.modelCalls, { title: 'model calls' }),
  number('wall_seconds', ({ cost }) => cost.wallSeconds, { title: 'seconds' }),
  text('protocol', ({ protocol }) => protocol.name),
  count('protocol_version', ({ protocol }) => protocol.version),
  number('task_version', ({ task }) => task.version),
  text('task_sha256', ({ task }) => task.sha256),
  text('task_path', ({ task }) => task.path),
  text('dataset_sha256', ({ dataset }) => dataset.sha256),
  count('limit', ({ dataset }) => dataset.limit),
  text('model_sha256', ({ model }) => model.sha256),
  text('model_path', ({ model }) => model.path),
  ...environmentColumns,
  number('ceiling', ({ items }) => items.ceiling, { title: 'ceiling', text: share }),
  text('sampler', ({ protocol }) => protocol.sampler, { title: 'sampler', text: samplerText }),
  text('sampler_options', ({ protocol: { samplerOptions: given } }) => given && JSON.stringify(given)),
  count('steps', ({ protocol }) => protocol.steps, { title: 'steps' }),
  figure(
    'tokens_per_forward',
    ({ metrics }) => metrics.tokensPerForward,
    { title: 'TPF', unit: 'tokens of answers per model call' },
    parts,
  ),
  figure('aup', ({ metrics }) => metrics.aup, {
    ...{ title: 'AUP', unit: 'percent × tokens per model call', interval: 'AUP interval' },
  }),
];

const items = {
  name: 'item',
  count: ({ items: { units } }: TasksResult) => units,
  hint: 'Ask more items: a larger --limit.',
};

const SHARES = ['acc', 'accNorm', 'accBytes', 'exactMatch'] as const;
type PairedMetric = (typeof SHARES)[number] | 'answerNll';

function samplerText(name: string, { protocol: { samplerOptions = {} } }: TasksResult): string {
  const options = Object.entries(samplerOptions).map(([key, value]) => `${key}=${value}`);
  return plainText([name, ...options].join(' '));
}

const recordOf = ({ record }: ResultRow) => record as TasksResult;

/**
 * The difference of two models on one task, item by item, which removes how hard the items are for both. Items are matched by their
 * place in the split; clusters stay together.
 */
const itemPairing: Pairing = {
  metrics: [...SHARES, 'answerNll'],
  difference: (a, b, metric) => differenceOf(recordOf(a), recordOf(b), metric as PairedMetric),
  whyNot(a, b) {
    const [first, second] = [recordOf(a), recordOf(b)];
    if (!first.byItem || !second.byItem) return 'a file holds nothing of single items (tasks --by-item)';
    if (first.dataset.sha256 !== second.dataset.sha256) return 'the two are of different documents';
    const metric = first.byItem.acc ? 'acc' : first.byItem.exactMatch ? 'exactMatch' : 'answerNll';
    return differenceOf(first, second, metric) ? null : 'the two have too few items in common';
  },
};

function columnOf({ byItem, metrics }: TasksResult, metric: PairedMetric): readonly number[] | null {
  if (!metrics[metric]) return null;
  return (metric === 'answerNll' ? byItem?.nats : byItem?.[metric]) ?? null;
}

/** Over the items that both hold; null without at least two, or half of the smaller's. */
function differenceOf(a: TasksResult, b: TasksResult, metric: PairedMetric): PairedDifference | null {
  const [ofA, ofB] = [columnOf(a, metric), columnOf(b, metric)];
  if (!a.byItem || !b.byItem || !ofA || !ofB || a.dataset.sha256 !== b.dataset.sha256) return null;
  const placeInB = new Map(b.byItem.index.map((index, j) => [index, j]));
  const pairs = a.byItem.index.flatMap((index, i) => {
    const j = placeInB.get(index);
    return j === undefined ? [] : [[i, j] as const];
  });
  if (pairs.length < 2 || 2 * pairs.length < Math.min(ofA.length, ofB.length)) return null;
  const numbers = new Map<number, number>();
  // the columns of a record are of one length
  const units = pairs.map(([i]) => {
    const unit = a.byItem!.unit[i]; // checked above
    const number = numbers.get(unit) ?? numbers.size;
    numbers.set(unit, number);
    return number;
  });
  const ones = pairs.map(() => 1);
  const mean = (column: readonly number[], side: 0 | 1) =>
    pairs.reduce((sum, pair) => sum + column[pair[side]], 0) / pairs.length;
  const { value, stderr, ci95 } = clusteredRatio(
    pairs.map(([i, j]) => ofA[i] - ofB[j]),
    ones,
    units,
  );
  return { metric, value, stderr, ci95, sequences: pairs.length, a: mean(ofA, 0), b: mean(ofB, 1) };
}

export const TASKS: Evaluation<TasksResult> = {
  name: 'tasks',
  unit: 'item',
  scoresText: true,
  title: 'Tasks',
  record: tasksRecord,
  columns,
  table: {
    essential: ['task', 'model', 'acc', '95% interval', 'items'],
    essentialOf: essentialTitles,
    further: [
      ...['acc_norm', 'exact match', 'perplexity', 'perplexity/word', 'bits/byte', 'nats/answer'],
      ...[
        'likelihood',
        'tail',
        'flips',
        'cut',
        'chance',
        'ceiling',
        'shots',
        'split',
        'family',
        'model calls',
        'seconds',
      ],
      'acc_bytes',
      ...['sampler', 'TPF', 'AUP', 'AUP interval', 'steps'],
    ],
  },
  label: ({ task, model }) => `${model.name}, ${task.name}`,
  notes: taskNotes,
  figures: {
    acc: {
      range: RANGES.share,
      units: items,
      lmEval: ['acc', true],
      modelIndex: { type: 'acc', name: 'Accuracy' },
    },
    accNorm: {
      title: 'acc_norm',
      ...{ range: RANGES.share, units: items, lmEval: ['acc_norm', true] },
      modelIndex: { type: 'acc_norm', name: 'Normalised accuracy' },
    },
    accBytes: { title: 'acc_bytes', range: RANGES.share, units: items, lmEval: ['acc_bytes', true] },
    exactMatch: { title: 'exact match', range: RANGES.share, units: items, lmEval: ['exact_match', true] },
    answerNll: { title: 'nats/answer', range: RANGES.loss, units: items },
    perplexity: { exponentialOf: 'answerNll', range: RANGES.perplexity, lmEval: ['perplexity', false] },
    wordNll: { title: 'nats/word', range: RANGES.loss, units: items },
    wordPerplexity: {
      exponentialOf: 'wordNll',
      range: RANGES.perplexity,
      lmEval: ['word_perplexity', false],
    },
    byteNll: { title: 'nats/byte', range: RANGES.loss, units: items },
    bytePerplexity: {
      exponentialOf: 'byteNll',
      range: RANGES.perplexity,
      lmEval: ['byte_perplexity', false],
    },
    tokensPerForward: { title: 'TPF', isSecondary: true, range: RANGES.speed, units: items },
    aup: {
      title: 'AUP',
      range: RANGES.area,
      units: items,
      sameIn: ['aup.best'],
      modelIndex: { type: 'aup', name: 'Accuracy under parallelism' },
    },
    bitsPerByte: { title: 'bits/byte', range: RANGES.loss, units: items, lmEval: ['bits_per_byte', false] },
  },
  pairing: itemPairing,
  together: (results) => ({ results: withAup(results) }),
  parts: {
    of: ({ part }) => part ?? null,
    key: ({ model, dataset, task, protocol, part }) =>
      JSON.stringify([
        [model.name, model.sha256, task.name, task.sha256, task.metrics, part?.of],
        [dataset.sha256, dataset.limit, dataset.selection, protocol],
      ]),
    join: joinedParts,
  },
  repetition: taskRepetition,
  report: {
    columns: ['acc', '95% interval', 'acc_norm', 'exact match', 'perplexity', 'items', 'likelihood', 'tail'],
    subject: ['model', 'task'],
  },
};

/** Where no row has an accuracy, the figure that there is stands in its place. */
function essentialTitles(results: readonly TasksResult[]): readonly string[] | null {
  if (results.some(({ metrics }) => metrics.aup)) {
    const ofOne = new Map<string, string>();
    // An ar model has its own sampler: it is told apart by its name.
    const hasSeveral = results.some((one) => {
      const sampler = samplerText(one.protocol.sampler ?? '', one);
      const known = ofOne.get(one.model.name) ?? sampler;
      ofOne.set(one.model.name, sampler);
      return known !== sampler;
    });
    return ['task', 'model', ...(hasSeveral ? ['sampler'] : []), 'steps', 'exact match', 'TPF', 'AUP'];
  }
  const has = (name: keyof TasksResult['metrics']) => results.some(({ metrics }) => metrics[name]);
  const figures = [
    has('acc') ? 'acc' : '',
    has('exactMatch') && !has('acc') ? 'exact match' : '',
    has('perplexity') ? 'perplexity' : '',
    has('wordPerplexity') ? 'perplexity/word' : '',
  ].filter(Boolean);
  return ['task', 'model', ...figures.slice(0, 2), '95% interval', ...(figures.length < 2 ? ['items'] : [])];
}
