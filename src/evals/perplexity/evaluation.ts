/** What `ppl` declares of its results: zero-shot perplexity, one row per model and data set. */

import type { Family } from '../../models/family.js';
import { type Column, count, figure, number, text } from '../../printing/columns.js';
import { meanCount, valueAlone } from '../../printing/numbers.js';
import { shellCommand } from '../../printing/shell-command.js';
import { environmentColumns } from '../../records/environment-columns.js';
import {
  type Evaluation,
  numberOf,
  type ResultRow,
  type SuiteEntry,
  type SuiteEntryContext,
} from '../../records/evaluation.js';
import { RANGES } from '../../records/plausible.js';
import { type CommandFlag, knownKeys, modelOf, NO_MODEL, suiteModel, textOf } from '../command-flags.js';
import { errorsOverText } from './errors-over-text.js';
import { estimatorOf } from './estimator.js';
import { policyText } from './exact-likelihood.js';
import { perplexityNotes, reportedNotes } from './notes.js';
import { scoredMetric, sequencePairing } from './pairing.js';
import { callsPerSequence, policyPlots } from './policy-plot.js';
import { type PerplexityResult, perplexityRecord } from './record.js';

/** Parts of a figure in the CSV, next to its value. */
const ALL = ['stderr', 'ci95', 'mcStderr'] as const;

const columns: readonly Column<PerplexityResult>[] = [
  text('eval', (result) => result.eval),
  text('model', ({ model }) => model.name, { title: 'model', isName: true }),
  text('family', ({ model }) => model.family, { title: 'family' }),
  text('dataset', ({ dataset }) => dataset.name, { title: 'data set', isName: true }),
  text('split', ({ dataset }) => dataset.split),
  figure('ppl', ({ metrics }) => metrics.ppl, { title: 'perplexity', interval: '95% interval' }, ALL),
  figure(
    'nll',
    ({ metrics }) => metrics.nll,
    { title: 'nats/token', unit: 'nats per scored token', drawError: 'draw error' },
    ALL,
  ),
  figure(
    'bits_per_byte',
    ({ metrics }) => metrics.bitsPerByte,
    { title: 'bits/byte', text: valueAlone },
    ALL,
  ),
  count('sequences', ({ cost }) => cost.sequences, { title: 'sequences' }),
  count('tokens', ({ cost }) => cost.tokens, { title: 'tokens' }),
  count('model_calls', ({ cost }) => cost.modelCalls, { title: 'model calls' }),
  number('wall_seconds', ({ cost }) => cost.wallSeconds, { title: 'seconds', unit: 's' }),
  number('tokens_per_second', ({ cost }) => cost.tokensPerSecond, { title: 'tokens/s' }),
  text('protocol', ({ protocol }) => protocol.name, { title: 'protocol' }),
  count('protocol_version', ({ protocol }) => protocol.version),
  count('length', ({ protocol }) => protocol.length, { title: 'length', unit: 'tokens per sequence' }),
  number('time_from', ({ protocol }) => protocol.timeRange?.[0]),
  number('time_to', ({ protocol }) => protocol.timeRange?.[1]),
  count('draws', ({ protocol }) => protocol.draws, { title: 'draws', unit: 'per sequence' }),
  text('estimator', ({ protocol }) => protocol.estimator),
  count('seed', ({ protocol }) => protocol.seed),
  text('tokenizer_sha256', ({ protocol }) => protocol.tokenizerSha256),
  count('dataset_texts', ({ dataset }) => dataset.texts),
  count('dataset_tokens', ({ dataset }) => dataset.tokens),
  count('dataset_sequences', ({ dataset }) => dataset.sequences),
  count('dataset_limit', ({ dataset }) => dataset.limit),
  text('dataset_sha256', ({ dataset }) => dataset.sha256),
  text('dataset_source_sha256', ({ dataset }) => dataset.sourceSha256),
  text('model_sha256', ({ model }) => model.sha256),
  text('model_path', ({ model }) => model.path),
  ...environmentColumns,
  text('unit', ({ metrics }) => metrics.nll.unit),
  count('units', ({ metrics }) => metrics.nll.units),
  number('effective_units', ({ metrics }) => metrics.nll.effectiveUnits),
  count('block_length', ({ metrics }) => metrics.nll.blockLength),
  number('design_effect', ({ metrics }) => metrics.nll.designEffect),
  text('dataset_selection', ({ dataset }) => dataset.selection),
  count('mc_degrees_of_freedom', ({ protocol }) => protocol.mcDegreesOfFreedom),
  text('likelihood', ({ protocol }) => protocol.likelihood),
  text('policy', ({ protocol }) => protocol.policy),
  text(null, likelihoodText, { title: 'likelihood', isName: true }),
  count('tokens_per_call', ({ protocol }) => protocol.tokensPerCall),
  count('block_size', ({ protocol }) => protocol.blockSize),
  text('ties', ({ protocol }) => protocol.ties),
  number('threshold', ({ protocol }) => protocol.threshold),
  number('entropy_bound', ({ protocol }) => protocol.entropyBound),
  text('over_orders', ({ protocol }) => protocol.overOrders),
  text('from', ({ protocol }) => protocol.from),
  number('nfe', callsPerSequence, { title: 'NFE', unit: 'model calls per sequence', text: meanCount }),
];

/** The policy of an exact likelihood; else what the figure is. */
function likelihoodText({ protocol }: PerplexityResult): string {
  if (protocol.estimator === 'exact') return policyText(protocol) || 'exact';
  return protocol.name === 'strict' ? 'bound' : 'mean over t';
}

export const PERPLEXITY: Evaluation<PerplexityResult> = {
  name: 'ppl',
  scoresText: true,
  unit: 'sequence',
  title: 'Zero-shot perplexity',
  record: perplexityRecord,
  columns,
  table: {
    essential: ['model', 'data set', 'perplexity', '95% interval', 'bits/byte'],
    essentialOf: (results) =>
      results.some(({ protocol }) => protocol.policy !== undefined)
        ? ['model', 'likelihood', 'data set', 'perplexity', '95% interval', 'NFE']
        : null,
    further: [
      ...['nats/token', 'draw error', 'sequences', 'tokens', 'draws', 'protocol', 'tokens/s', 'family'],
      ...['model calls', 'seconds'],
    ],
  },
  notes: perplexityNotes,
  plots: policyPlots,
  figures: {
    ppl: {
      exponentialOf: 'nll',
      range: RANGES.perplexity,
      lmEval: ['perplexity', false],
      modelIndex: { type: 'perplexity', name: 'Zero-shot perplexity' },
    },
    nll: { title: 'nats/token', range: RANGES.loss, lmEval: ['nll', false] },
    bitsPerByte: {
      title: 'bits/byte',
      range: RANGES.loss,
      lmEval: ['bits_per_byte', false],
      modelIndex: { type: 'bits_per_byte', name: 'Bits per byte' },
    },
  },
  pairing: sequencePairing,
  compared: (a, b) => [scoredMetric(a, b)],
  hasNarrowIntervals: (row) => numberOf(row, 'protocol.version') === 1,
  inputs: ({ dataset: { name, sourceSha256 } }) => [{ what: `Data set ${name}`, sha256: sourceSha256 }],
  together: errorsOverText,
  report: {
    columns: [
      ...['perplexity', '95% interval', 'bits/byte', 'nats/token', 'draw error', 'sequences', 'draws'],
      ...['protocol', 'length'],
    ],
    notes: reportedNotes,
    plots: (rows) => policyPlots(rows.map(({ record }) => record as PerplexityResult)),
  },
  repetition: { inSuite, commands: ([row]) => [shellCommand('ppl', commandFlagsOf(row))] },
};

/** An exact figure of an ar model depends on neither draws nor policies. */
function inSuite(row: ResultRow, context: SuiteEntryContext): SuiteEntry | string {
  const model = suiteModel(row, context);
  if (model === null) return NO_MODEL;
  const { family, protocol, dataset } = selectionOf(row);
  const until = numberOf(row, 'protocol.until');
  const isAr = family === 'ar';
  const isDrawn = protocol.estimator !== 'exact';
  const hasPolicy = protocol.policy !== undefined;
  const isSeeded = isDrawn || protocol.seed !== null;
  const drawn = ['seeds', 'draws', 'until', 'estimator'];
  return {
    model,
    dataset: row.dataset,
    lists: isSeeded && !isAr ? { seeds: protocol.seed } : {},
    any: isAr ? [...drawn, 'likelihood'] : isDrawn ? [] : isSeeded ? drawn.slice(1) : drawn,
    shared: knownKeys({
      protocol: protocol.name,
      length: protocol.length,
      // With a limit for the error, how many draws it took differs between rows.
      draws: isDrawn && !until ? protocol.draws : null,
      until: isDrawn ? until : null,
      estimator: isDrawn && protocol.estimator !== estimatorOf(null, family) ? protocol.estimator : null,
      likelihood: hasPolicy
        ? knownKeys({
            ...{
              policy: protocol.policy,
              tokensPerCall: protocol.tokensPerCall,
              blockSize: protocol.blockSize,
            },
            ...{ ties: protocol.ties, threshold: protocol.threshold, entropyBound: protocol.entropyBound },
            ...{ from: protocol.from, overOrders: protocol.overOrders },
          })
        : null,
      ...dataset,
    }),
  };
}

function selectionOf(row: ResultRow) {
  const { model, protocol } = row.record as PerplexityResult;
  const limit = numberOf(row, 'dataset.limit');
  return {
    family: model.family as Family,
    protocol,
    dataset: limit === null ? {} : isFirst(row) ? { first: limit } : { limit },
  };
}

/** In version 1 a limit meant the first sequences. */
const isFirst = (row: ResultRow) =>
  textOf(row, 'dataset.selection') === 'first' || numberOf(row, 'protocol.version') === 1;

function commandFlagsOf(row: ResultRow): CommandFlag[] {
  const exact = textOf(row, 'protocol.estimator') === 'exact';
  // The seed of a policy is recorded where a figure depends on it.
  const ofPolicy = textOf(row, 'protocol.policy') !== null;
  return [
    ['model', modelOf(row)],
    ['dataset', row.dataset],
    ['protocol', textOf(row, 'protocol.name')],
    ['length', numberOf(row, 'protocol.length')],
    ['draws', exact ? null : numberOf(row, 'protocol.draws')],
    ['until', exact ? null : numberOf(row, 'protocol.until')],
    ['seed', exact && !ofPolicy ? null : numberOf(row, 'protocol.seed')],
    ['estimator', exact ? null : textOf(row, 'protocol.estimator')],
    [isFirst(row) ? 'first' : 'limit', numberOf(row, 'dataset.limit')],
    ['likelihood', textOf(row, 'protocol.likelihood')],
    ['policy', textOf(row, 'protocol.policy')],
    ['tokens-per-call', numberOf(row, 'protocol.tokensPerCall')],
    ['block-size', numberOf(row, 'protocol.blockSize')],
    ['ties', textOf(row, 'protocol.ties')],
    ['threshold', numberOf(row, 'protocol.threshold')],
    ['entropy-bound', numberOf(row, 'protocol.entropyBound')],
    ['over-orders', textOf(row, 'protocol.overOrders')],
    ['from', textOf(row, 'protocol.from')],
  ];
}
