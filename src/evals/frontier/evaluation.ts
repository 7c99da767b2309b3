/** What `frontier` declares of its results: generative perplexity of models at one entropy, one row per sweep. */
import { type Column, count, figure, flag, number, text } from '../../printing/columns.js';
import type { PlotPoint } from '../../printing/html/scatter-plot.js';
import { meanCount, plain, valueWithError } from '../../printing/numbers.js';
import { shellCommand } from '../../printing/shell-command.js';
import { distinctionsOf } from '../../records/distinctions.js';
import { environmentColumns } from '../../records/environment-columns.js';
import {
  type Evaluation,
  type FigureDeclaration,
  fieldOf,
  numberOf,
  type ResultRow,
  type SuiteEntry,
  type SuiteEntryContext,
  type TitledPlot,
} from '../../records/evaluation.js';
import type { AnyFigure } from '../../records/figures.js';
import type { EnvironmentRecord } from '../../records/record.js';
import { paretoFront } from '../../statistics/pareto-front.js';
import { plainText } from '../../terminal-text.js';
import {
  type CommandFlag,
  judgeFlags,
  knownKeys,
  measureFlags,
  modelOf,
  NO_MODEL,
  samplerFlags,
  suiteJudge,
  suiteMeasures,
  suiteModel,
  suiteSampling,
  textOf,
} from '../command-flags.js';
import {
  comparedEssentials,
  comparedFigureColumns,
  comparedTitles,
  judgeOfResult,
  measuredFigures,
} from '../generation/evaluation.js';
import {
  configurationMark,
  configurationPlot,
  configurationsOf,
  ENTROPY_AXIS,
  PERPLEXITY_AXIS,
  RIGHT_AND_DOWN,
  SPEED_AXIS,
  stepsLabel,
} from '../generation/plots.js';
import { COMPARED_FIGURES } from '../generation/record.js';
import { frontierNotes } from './notes.js';
import { type FrontierResult, frontierRecord } from './record.js';

/** The label of a row. */
const labelOf = ({ model, sampler }: FrontierResult) =>
  `${model.name}, ${sampler.name}, ${stepsLabel(sampler)}`;

const columns: readonly Column<FrontierResult>[] = [
  text('eval', (result) => result.eval),
  text('model', ({ model }) => model.name, {
    ...{ title: 'model', isName: true },
    text: (name, { pareto }) => `${pareto ? '* ' : '  '}${plainText(name)}`,
  }),
  text('family', ({ model }) => model.family, { title: 'family' }),
  text('sampler', ({ sampler }) => sampler.name, { title: 'sampler' }),
  text('sampler_options', ({ sampler }) => JSON.stringify(sampler.options)),
  count('steps', ({ sampler }) => sampler.steps, { title: 'steps' }),
  number('target_entropy', ({ target }) => target.entropy, { title: 'at entropy', unit: 'nats' }),
  text('target_dataset', ({ target }) => target.dataset),
  figure('gen_ppl', ({ metrics }) => metrics.genPpl, { title: 'gen. perplexity', interval: '95% interval' }),
  number('temperature', ({ temperature }) => temperature, { title: 'temperature' }),
  number('outside', ({ outside }) => outside),
  number('nfe', ({ nfe }) => nfe, { title: 'NFE', unit: 'model calls per sample', text: meanCount }),
  number('tokens_per_second', ({ tokensPerSecond }) => tokensPerSecond, { title: 'tokens/s' }),
  flag('pareto', ({ pareto }) => pareto, { title: 'on the front' }),
  text('temperatures', ({ points }) => points.map(({ temperature }) => temperature).join(' ')),
  text('entropies', ({ points }) => points.map(({ entropy }) => entropy.value).join(' '), {
    title: 'entropies',
    align: 'right',
    text: (_listed, { points }) => rangeOf(points.map(({ entropy }) => entropy.value)),
  }),
  text('gen_ppls', ({ points }) => points.map(({ genPpl }) => genPpl.value).join(' ')),
  count('samples', ({ points }) => points[0]?.samples),
  count('length', ({ length }) => length),
  text('judge', ({ judge }) => judge.name),
  text('judge_sha256', ({ judge }) => judge.sha256),
  text('protocol', ({ protocol }) => protocol.name),
  count('protocol_version', ({ protocol }) => protocol.version),
  count('seed', ({ protocol }) => protocol.seed),
  text('tokenizer_sha256', ({ tokenizerSha256 }) => tokenizerSha256),
  text('model_sha256', ({ model }) => model.sha256),
  text('model_path', ({ model }) => model.path),
  ...environmentColumns,
  ...(comparedFigureColumns as readonly Column<FrontierResult>[]),
  count('brier_items', ({ brier }) => brier?.items),
  text('mauve_model', ({ mauve }) => mauve?.model.name),
  count('mauve_clusters', ({ mauve }) => mauve?.clusters),
];

export const FRONTIER: Evaluation<FrontierResult> = {
  name: 'frontier',
  unit: 'sample',
  title: 'At matched entropy',
  pageTitle: 'Generative perplexity at one entropy',
  record: frontierRecord,
  columns,
  table: {
    essential: ['model', 'sampler', 'steps', 'gen. perplexity', '95% interval'],
    essentialOf: essentialTitles,
    further: ['tokens/s', 'temperature', 'NFE', ...comparedTitles, 'entropies', 'family'],
  },
  label: labelOf,
  notes: (results, { results: all }) => frontierNotes(results, { labelOf, all }),
  plots: sweepPlots,
  figures: {
    genPpl: { ...measuredFigures.genPpl },
    ...Object.fromEntries(COMPARED_FIGURES.map((name) => [name, comparedAtEntropy(name)])),
    // A difference needs nats, which a sweep does not record.
    genNll: { ...measuredFigures.genNll, of: ({ metrics }) => logarithmOf(metrics.genPpl) },
  },
  inputs: (result) => [
    ...judgeOfResult(result),
    { what: 'The tokenizer of the sweeps', sha256: result.tokenizerSha256 },
  ],
  repetition: {
    writesControls: true,
    inSuite,
    commands: ([row]) => [shellCommand('frontier', commandFlagsOf(row))],
  },
  together: (results) => ({ results: withFronts(results) }),
  report: {
    subject: ['model', 'drawn by'],
    columns: [
      ...['gen. perplexity', '95% interval', 'at entropy', 'temperature', 'tokens/s', 'NFE'],
      'on the front',
    ],
    notes: () => [
      'Perplexity is interpolated over temperatures to one entropy, where it may rank the models.',
    ],
    plots: reportedPlots,
  },
};

/** As of `gen`; equal numbers of samples are those of the points. */
function comparedAtEntropy(name: (typeof COMPARED_FIGURES)[number]): FigureDeclaration<never> {
  const { sameIn = [], lmEval: _, modelIndex: __, ...declared } = measuredFigures[name];
  return { ...declared, sameIn: sameIn.filter((path) => !path.startsWith('samples.')) };
}

function essentialTitles(results: readonly FrontierResult[]): readonly string[] | null {
  const compared = comparedEssentials(results);
  return compared.length > 0 ? ['model', 'sampler', 'steps', 'gen. perplexity', ...compared] : null;
}

function rangeOf(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return '';
  return `${Math.min(...known).toFixed(2)} to ${Math.max(...known).toFixed(2)}`;
}

function logarithmOf({ value, stderr = null, ci95 = null }: AnyFigure): AnyFigure {
  return {
    value: value && Math.log(value),
    stderr: value && stderr && stderr / value,
    ci95: ci95 && [Math.log(ci95[0]), Math.log(ci95[1])],
  };
}

/** The settings that sweeps on one front share: entropies compare only between texts of one tokenizer and length. */
const frontOf = ({ protocol, length, tokenizerSha256, target }: FrontierResult) =>
  JSON.stringify([protocol.seed, length, tokenizerSha256, target]);

/**
 * Cells of a suite with one seed, length and entropy share a front, unless their speeds were measured on different machines.
 */
function withFronts(results: readonly FrontierResult[]): FrontierResult[] {
  const marks = new Map<FrontierResult, boolean | null>();
  for (const front of new Set(results.map(frontOf))) {
    const together = results.filter((one) => frontOf(one) === front);
    const machines = new Set(together.map(({ environment }) => machineOf(environment)));
    const isOnFront = paretoFront(
      together.map((one) => ({ speed: one.tokensPerSecond, perplexity: one.metrics.genPpl.value })),
    );
    for (const [i, one] of together.entries()) marks.set(one, machines.size === 1 ? isOnFront[i] : null);
  }
  return results.map((one) => ({ ...one, pareto: marks.get(one) ?? null }));
}

function machineOf({ cpu, provider, threads }: EnvironmentRecord): string {
  return JSON.stringify([cpu, provider, threads]);
}

/** Speed against quality at the entropy of the target. */
function frontPlot(results: readonly FrontierResult[], files?: readonly string[]): TitledPlot {
  const configurations = configurationsOf(
    results.map(({ model, sampler: { name, steps } }) => ({ model: model.name, sampler: name, steps })),
    results,
    files,
  );
  const marks = results.map(({ metrics, tokensPerSecond, temperature, nfe, pareto, target }, i) => {
    const point: PlotPoint = {
      ...configurationMark(configurations[i]),
      ...{ x: tokensPerSecond ?? Number.NaN, xInterval: null },
      ...{ y: metrics.genPpl.value ?? Number.NaN, yInterval: metrics.genPpl.ci95 },
      details: [
        ['gen. perplexity', valueWithError(metrics.genPpl)],
        ['at entropy, nats', plain(target.entropy)],
        ['at temperature', plain(temperature)],
        ['tokens/s', plain(tokensPerSecond)],
        ['NFE', meanCount(nfe)],
      ],
      onFront: pareto === true,
    };
    return { point, steps: configurations[i].steps };
  });
  const targets = [...new Set(results.map(({ target }) => target.entropy.toFixed(3)))];
  const y = { ...PERPLEXITY_AXIS, title: 'generative perplexity at one entropy' };
  const caption = `${RIGHT_AND_DOWN} ${targets.length === 1 ? `At an entropy of ${targets[0]} nats.` : `Entropies compared at: ${targets.join(', ')} nats; marks of different ones do not compare.`}`;
  return { title: 'Quality at one entropy', plot: configurationPlot({ x: SPEED_AXIS, y, caption }, marks) };
}

/** Speed against quality, and the sweeps behind the interpolation. */
function sweepPlots(results: readonly FrontierResult[]): TitledPlot[] {
  const settings = distinctionsOf(results, labelOf);
  const swept = results.flatMap((result, i) =>
    result.points.map(
      ({ temperature, genPpl, entropy }): PlotPoint => ({
        x: entropy.value ?? Number.NaN,
        xInterval: entropy.ci95,
        y: genPpl.value ?? Number.NaN,
        yInterval: genPpl.ci95,
        series: [labelOf(result), settings[i]].filter(Boolean).join(', '),
        label: `${temperature}`,
        details: [
          ['temperature', `${temperature}`],
          ['entropy, nats', valueWithError(entropy)],
          ['gen. perplexity', valueWithError(genPpl)],
        ],
        onFront: false,
      }),
    ),
  );
  const [{ target }] = results;
  const isShared = results.every((one) => one.target.entropy === target.entropy);
  return [
    frontPlot(results),
    {
      title: 'Sweeps of the temperature',
      plot: {
        x: ENTROPY_AXIS,
        y: PERPLEXITY_AXIS,
        points: swept,
        caption: 'One mark per temperature. At the same entropy, lower is better. Bars are 95% intervals.',
        joined: true,
        ...(isShared && { at: { x: target.entropy, label: target.dataset ?? 'compared here' } }),
      },
    },
  ];
}

/** The plot of rows from several files; none where fewer than two can be drawn. */
function reportedPlots(rows: readonly ResultRow[]): TitledPlot[] {
  const placed = rows.filter((row) => row.figures.get('genPpl')?.value && numberOf(row, 'tokensPerSecond'));
  if (placed.length < 2) return [];
  const results = placed.map(({ record }) => record as unknown as FrontierResult);
  return [
    frontPlot(
      results,
      placed.map(({ file }) => file),
    ),
  ];
}

function inSuite(row: ResultRow, context: SuiteEntryContext): SuiteEntry | string {
  const model = suiteModel(row, context);
  if (model === null) return NO_MODEL;
  const { points, target, length, topK, topP, protocol } = row.record as unknown as FrontierResult;
  return {
    model,
    ...(textOf(row, 'model.family') === 'ar'
      ? { lists: { seeds: protocol.seed }, any: ['samplers', 'steps'] }
      : suiteSampling(row, context)),
    shared: knownKeys({
      judge: suiteJudge(row, context),
      protocol: protocol.name,
      temperatures: points.map(({ temperature }) => temperature),
      samples: points[0]?.samples,
      ...{ length, topK, topP },
      ...suiteMeasures(row, { ...context, realText: [] }),
      ...(context.controls && { controls: true }),
      ...(target.dataset === null ? { entropy: target.entropy } : { reference: target.dataset }),
    }),
  };
}

function commandFlagsOf(row: ResultRow): CommandFlag[] {
  const points = (fieldOf(row, 'points') ?? []) as FrontierResult['points'];
  const real = textOf(row, 'target.dataset');
  return [
    ['model', modelOf(row)],
    ...samplerFlags(row),
    ['temperatures', points.map(({ temperature }) => temperature).join(',')],
    ['samples', points[0]?.samples ?? null],
    ['length', numberOf(row, 'length')],
    ['top-k', numberOf(row, 'topK')],
    ['top-p', numberOf(row, 'topP')],
    real === null ? ['entropy', numberOf(row, 'target.entropy')] : ['reference-dataset', real],
    ...judgeFlags(row),
    ...measureFlags(row),
  ];
}
