/** What `bench` declares of its results: how fast models generate, and how well, one row per configuration. */
import { type Column, count, figure, flag, number, text } from '../../printing/columns.js';
import { plain, ratioText } from '../../printing/numbers.js';
import type { Evaluation } from '../../records/evaluation.js';
import { RANGES } from '../../records/plausible.js';
import { plainText } from '../../terminal-text.js';
import {
  comparedColumns,
  comparedTitles,
  GENERATED_SECTION,
  GENERATION,
  judgeOfResult,
  measuredColumns,
  measuredFigures,
} from '../generation/evaluation.js';
import { generativeNotes, type Measured, measuredRows } from '../generation/notes.js';
import { speedPlots } from '../generation/plots.js';
import { benchNotes } from './notes.js';
import { type BenchResult, benchRecord, type ThroughputRecord } from './record.js';
import { benchRepetition } from './repetition.js';

/** This build against another, over rounds. The figure is itself a ratio of two builds. */
export const THROUGHPUT_RATIO = 'throughputRatio';

const MEBIBYTE = 2 ** 20;

const againstText = ({ against }: ThroughputRecord) => (against ? ratioText(against.ratio) : '');

const nameOf = ({ samples, throughput }: BenchResult) =>
  `${throughput.pareto ? '* ' : '  '}${plainText(samples.name)}${throughput.cached === false ? ' (uncached)' : ''}`;

const columns: readonly Column<BenchResult>[] = [
  text('eval', (result) => result.eval),
  ...(measuredColumns as readonly Column<Measured>[]),
  text(null, ({ samples }) => samples.name, {
    ...{ title: 'configuration', isName: true },
    text: (_name, result) => nameOf(result),
  }),
  figure(
    'throughput',
    ({ throughput }) => throughput.tokensPerSecond,
    { title: 'tokens/s', interval: 'tokens/s interval', text: ({ value }) => plain(value) },
    ['ci95'],
  ),
  count('rounds', ({ throughput }) => throughput.rounds, { title: 'rounds' }),
  count('batch', ({ throughput }) => throughput.batch, { title: 'batch', unit: 'samples per round' }),
  number('warmup_seconds', ({ throughput }) => throughput.warmupSeconds, { title: 'warm-up s', unit: 's' }),
  number('speed_up_over_ar', ({ throughput }) => throughput.speedUpOverAr, { title: '× ar' }),
  number('speed_up_over_masked', ({ throughput }) => throughput.speedUpOverMasked, { title: '× masked' }),
  number('harness_share', ({ throughput }) => throughput.harnessShare, {
    ...{ title: 'overhead', unit: 'share of the time outside the runtime' },
    text: (share) => `${(100 * share).toFixed(1)}%`,
  }),
  number('peak_memory_bytes', ({ throughput }) => throughput.peakMemoryBytes, {
    title: 'MiB',
    text: (bytes) => String(Math.round(bytes / MEBIBYTE)),
  }),
  flag('cached', ({ throughput }) => throughput.cached),
  flag('pareto', ({ throughput }) => throughput.pareto),
  text('against', ({ throughput }) => throughput.against?.name),
  text('against_path', ({ throughput }) => throughput.against?.path),
  text('against_sha256', ({ throughput }) => throughput.against?.sha256),
  text('against_tool', ({ throughput }) => throughput.against?.tool),
  text('against_onnxruntime', ({ throughput }) => throughput.against?.onnxruntime),
  number('against_throughput', ({ throughput }) => throughput.against?.tokensPerSecond.value),
  count('against_rounds', ({ throughput }) => throughput.against?.rounds),
  figure(
    'throughput_ratio',
    ({ throughput }) => throughput.against?.ratio,
    { title: '× against', text: (_ratio, { throughput }) => againstText(throughput) },
    ['ci95'],
  ),
  ...(comparedColumns as readonly Column<Measured>[]),
  figure(
    'latency',
    ({ throughput }) => throughput.latency,
    { title: 'latency s', unit: 's per batch', text: ({ value }) => plain(value) },
    ['ci95'],
  ),
  figure('decode_order_tau', ({ throughput }) => throughput.decodeOrder, { title: 'order τ' }),
  figure('remasked', ({ throughput }) => throughput.remasked, { title: 'remasked' }),
];

export const THROUGHPUT: Evaluation<BenchResult> = {
  name: 'bench',
  unit: 'sample',
  title: 'Configurations',
  pageTitle: 'How fast models generate, and how well',
  record: benchRecord,
  columns,
  table: {
    essential: ['configuration', 'tokens/s', 'NFE', 'gen. perplexity', 'entropy'],
    essentialOf: (results) => againstTitles(results) ?? sweepTitles(results),
    further: [
      ...comparedTitles,
      ...[
        '× ar',
        '× masked',
        'TPF',
        'latency s',
        'order τ',
        'remasked',
        'tokens/s interval',
        'overhead',
        'MiB',
        'rep-4',
      ],
      ...['rounds', 'batch'],
      ...['warm-up s', 'model', 'family', 'sampler', 'steps', 'temperature'],
    ],
  },
  label: nameOf,
  notes: (results, { results: all }) => [...benchNotes(results), ...generativeNotes(measuredRows(all))],
  plots: (results) => speedPlots(results),
  figures: {
    ...measuredFigures,
    tokensPerSecond: {
      range: RANGES.speed,
      isSecondary: true,
      isOfMachine: true,
      of: ({ throughput }) => throughput.tokensPerSecond,
      withoutInterval: 'six rounds and more, which give an interval (more --samples)',
    },
    [THROUGHPUT_RATIO]: {
      range: RANGES.factor,
      isRatio: true,
      isOfMachine: true,
      of: ({ throughput }) => throughput.against?.ratio,
      units: {
        name: 'round',
        count: ({ throughput }) => throughput.against?.rounds ?? null,
        hint: 'more --samples of bench',
      },
      withoutInterval: 'three rounds and more, which give an interval (more --samples)',
    },
  },
  inputs: judgeOfResult,
  repetition: benchRepetition,
  report: {
    ...GENERATION.report,
    section: GENERATED_SECTION,
    columns: [
      ...['gen. perplexity', '95% interval', 'entropy', 'MAUVE', 'BrierLM', 'distinct-2', 'rep-4', 'NFE'],
      ...['tokens/s', '× against', 'samples', 'judge'],
    ],
  },
};

/** With another build its ratio comes first, and model calls are dropped first. */
function againstTitles(results: readonly BenchResult[]): readonly string[] | null {
  if (results.every(({ throughput }) => !throughput.against)) return null;
  const isJudged = results.some(({ metrics }) => metrics.genPpl.value !== null);
  return [
    ...['configuration', 'tokens/s', '× against'],
    ...(isJudged ? ['gen. perplexity'] : []),
    ...['entropy', 'NFE'],
  ];
}

/** Where batches were swept, latency stands beside throughput. */
function sweepTitles(results: readonly BenchResult[]): readonly string[] | null {
  if (new Set(results.map(({ throughput }) => throughput.batch)).size < 2) return null;
  return ['configuration', 'tokens/s', 'latency s', 'TPF', 'gen. perplexity', 'entropy'];
}
