/** What `gen` declares of its results: how good and how varied generated texts are, one row per set of texts. */
import { type Column, count, figure, number, text } from '../../printing/columns.js';
import { meanCount } from '../../printing/numbers.js';
import { shellCommand, shellWord } from '../../printing/shell-command.js';
import { environmentColumns } from '../../records/environment-columns.js';
import {
  type Evaluation,
  type FigureDeclaration,
  fieldOf,
  numberOf,
  type ResultRow,
  type SuiteEntry,
  type SuiteEntryContext,
} from '../../records/evaluation.js';
import { RANGES } from '../../records/plausible.js';
import {
  commandFlags,
  drawFlags,
  judgeFlags,
  measureFlags,
  modelOf,
  NO_MODEL,
  nameAndPath,
  samplerFlags,
  suiteMeasures,
  suiteModel,
  suiteSampling,
  suiteTexts,
  textOf,
} from '../command-flags.js';
import { generativeNotes, type Measured, measuredRows, reportedNotes } from './notes.js';
import { samplePairing } from './pairing.js';
import { qualityPlots } from './plots.js';
import {
  byOrder,
  type COMPARED_FIGURES,
  type GenerativeResult,
  generativeRecord,
  type JudgeRecord,
  listByOrder,
} from './record.js';
import { samplingSpeed, writtenTokens } from './texts.js';

export const measuredColumns: readonly Column<Measured>[] = [
  text('texts', ({ samples }) => samples.name, { title: 'texts', isName: true }),
  text('model', ({ model }) => model?.name, { title: 'model' }),
  text('family', ({ model }) => model?.family, { title: 'family' }),
  text('dataset', ({ dataset }) => dataset?.name),
  text('sampler', ({ samples }) => samples.sampler?.name, { title: 'sampler' }),
  text('sampler_options', ({ samples }) => samples.sampler && JSON.stringify(samples.sampler.options)),
  count('steps', ({ samples }) => samples.sampler?.steps, { title: 'steps' }),
  number('nfe', ({ samples }) => samples.nfe, {
    title: 'NFE',
    unit: 'model calls per sample',
    text: meanCount,
  }),
  number('temperature', ({ samples }) => samples.temperature, { title: 'temperature' }),
  count('top_k', ({ samples }) => samples.topK),
  number('top_p', ({ samples }) => samples.topP),
  count('sample_seed', ({ samples }) => samples.seed),
  number('sample_seconds', ({ samples }) => samples.seconds, { title: 'seconds', unit: 's' }),
  figure('gen_ppl', ({ metrics }) => metrics.genPpl, { title: 'gen. perplexity', interval: '95% interval' }),
  figure('gen_nll', ({ metrics }) => metrics.genNll, {
    ...{ title: 'nats/token', unit: 'nats per counted token under the judge' },
  }),
  figure('entropy', ({ metrics }) => metrics.entropy, { title: 'entropy', unit: 'nats' }),
  figure('repetition4', ({ metrics }) => metrics.repetition4, { title: 'rep-4' }),
  number('distinct1', ({ metrics }) => metrics.distinct1.value, { title: 'distinct-1' }),
  number('distinct2', ({ metrics }) => metrics.distinct2.value, { title: 'distinct-2' }),
  number('distinct3', ({ metrics }) => metrics.distinct3.value, { title: 'distinct-3' }),
  number('compression_ratio', ({ metrics }) => metrics.compressionRatio.value, { title: 'compression' }),
  count('samples', ({ samples }) => samples.count, { title: 'samples' }),
  count('length', ({ samples }) => samples.length),
  count('tokens', ({ judge, cost }) => judge && cost.tokens, { title: 'tokens judged' }),
  count('model_calls', ({ judge, cost }) => judge && cost.modelCalls),
  number('wall_seconds', ({ cost }) => cost.wallSeconds),
  number('tokens_per_second', ({ cost }) => cost.tokensPerSecond),
  text('judge', ({ judge }) => judge?.name, { title: 'judge' }),
  text('judge_sha256', ({ judge }) => judge?.sha256),
  text('judge_path', ({ judge }) => judge?.path),
  text('judge_tokenizer_sha256', ({ judge }) => judge?.tokenizerSha256),
  count('judge_context', ({ judge }) => judge?.context),
  text('protocol', ({ protocol }) => protocol.name),
  count('protocol_version', ({ protocol }) => protocol.version),
  count('seed', ({ protocol }) => protocol.seed),
  count('resamples', ({ protocol }) => protocol.resamples),
  text('tokenizer_sha256', ({ samples }) => samples.tokenizerSha256),
  text('texts_sha256', ({ samples }) => samples.sha256),
  text('texts_path', ({ samples }) => samples.path),
  text('model_sha256', ({ model }) => model?.sha256),
  text('model_path', ({ model }) => model?.path),
  text('dataset_sha256', ({ dataset }) => dataset?.sha256),
  text('dataset_source_sha256', ({ dataset }) => dataset?.sourceSha256),
  ...environmentColumns,
];

/** A record of texts that were compared. */
interface WithCompared {
  metrics: Pick<Measured['metrics'], (typeof COMPARED_FIGURES)[number]>;
}

/** Columns of figures against real text, of any record that has them. */
export const comparedFigureColumns: readonly Column<WithCompared>[] = [
  figure('self_bleu', ({ metrics }) => metrics.selfBleu, { title: 'self-BLEU' }),
  figure('mauve', ({ metrics }) => metrics.mauve, { title: 'MAUVE', interval: 'MAUVE interval' }),
  figure('mauve_star', ({ metrics }) => metrics.mauveStar, { title: 'MAUVE*' }),
  figure('frontier_integral', ({ metrics }) => metrics.frontierIntegral, { title: 'frontier integral' }),
  ...listByOrder((n) =>
    figure(`js_divergence${n}`, ({ metrics }: WithCompared) => metrics[`jsDivergence${n}`], {
      ...{ title: `JS-${n}`, unit: 'nats' },
    }),
  ),
  figure('brier_lm', ({ metrics }) => metrics.brierLm, { title: 'BrierLM', interval: 'BrierLM interval' }),
  ...listByOrder((n) =>
    figure(`brier${n}`, ({ metrics }: WithCompared) => metrics[`brier${n}`], { title: `Brier-${n}` }),
  ),
];

/** What compares texts with real text, and what they are worth as continuations. After the columns of earlier versions. */
export const comparedColumns: readonly Column<Measured>[] = [
  count('given_tokens', ({ samples }) => samples.given),
  number('tokens_per_forward', tokensPerForward, { title: 'TPF', unit: 'generated tokens per model call' }),
  ...comparedFigureColumns,
  count('brier_items', ({ brier }) => brier?.items),
  text('control', ({ samples }) => samples.control),
  text('reference', ({ reference }) => reference?.dataset.name),
  text('reference_sha256', ({ reference }) => reference?.sha256),
  text('mauve_model', ({ mauve }) => mauve?.model.name),
  text('mauve_model_sha256', ({ mauve }) => mauve?.model.sha256),
  count('mauve_clusters', ({ mauve }) => mauve?.clusters),
  count('unscored_texts', ({ unscored }) => unscored),
];

/** Titles of what compares with real text, where it was measured. */
export const comparedTitles = ['MAUVE', 'BrierLM', 'Brier-1', 'JS-1', 'JS-4', 'self-BLEU'] as const;

/** What figures against real text depend on. */
const OF_REFERENCE = ['reference.sha256', 'samples.count'];
const OF_MAUVE = [...OF_REFERENCE, 'mauve.model.sha256', 'mauve.clusters'];
const OF_PROMPTS = ['brier.dataset.sha256', 'brier.items', 'brier.length'];

export const measuredFigures: Readonly<Record<string, FigureDeclaration<never>>> = {
  genPpl: {
    exponentialOf: 'genNll',
    range: RANGES.perplexity,
    lmEval: ['generative_perplexity', false],
    modelIndex: { type: 'generative_perplexity', name: 'Generative perplexity' },
  },
  genNll: { title: 'judged nats/token', range: RANGES.loss },
  entropy: {
    title: 'unigram entropy',
    range: RANGES.entropy,
    lmEval: ['unigram_entropy', true],
    modelIndex: { type: 'unigram_entropy', name: 'Unigram entropy, nats' },
  },
  distinct1: { isSecondary: true, range: RANGES.share, lmEval: ['distinct_1', true] },
  distinct2: { isSecondary: true, range: RANGES.share, lmEval: ['distinct_2', true] },
  distinct3: { isSecondary: true, range: RANGES.share, lmEval: ['distinct_3', true] },
  repetition4: { isSecondary: true, range: RANGES.share, lmEval: ['repetition_4', false] },
  compressionRatio: { isSecondary: true, range: RANGES.factor },
  selfBleu: {
    title: 'self-BLEU',
    sameIn: ['samples.count', 'samples.length'],
    isSecondary: true,
    range: RANGES.share,
    lmEval: ['self_bleu', false],
  },
  mauve: {
    title: 'MAUVE',
    sameIn: OF_MAUVE,
    range: RANGES.share,
    lmEval: ['mauve', true],
    modelIndex: { type: 'mauve', name: 'MAUVE' },
  },
  mauveStar: { title: 'MAUVE*', sameIn: OF_MAUVE, isSecondary: true, range: RANGES.share },
  frontierIntegral: { title: 'frontier integral', sameIn: OF_MAUVE, isSecondary: true, range: RANGES.share },
  ...byOrder(
    'jsDivergence',
    (n): FigureDeclaration<never> => ({
      ...{ title: `JS-${n}`, sameIn: OF_REFERENCE, isSecondary: true, range: RANGES.divergence },
    }),
  ),
  brierLm: {
    title: 'BrierLM',
    sameIn: OF_PROMPTS,
    range: RANGES.share,
    lmEval: ['brier_lm', true],
    modelIndex: { type: 'brier_lm', name: 'BrierLM' },
  },
  ...byOrder(
    'brier',
    (n): FigureDeclaration<never> => ({
      ...{ title: `Brier-${n}`, sameIn: OF_PROMPTS, isSecondary: true, range: RANGES.brier },
    }),
  ),
};

/** Section of a report that compares generated texts, timed or not. */
export const GENERATED_SECTION = 'Generated text';

export const GENERATION: Evaluation<GenerativeResult> = {
  name: 'gen',
  unit: 'sample',
  title: GENERATED_SECTION,
  pageTitle: 'Generative quality',
  record: generativeRecord,
  columns: [
    text('eval', (result) => result.eval),
    ...measuredColumns,
    number(null, ({ samples }) => samplingSpeed(samples), { title: 'tokens/s' }),
    ...comparedColumns,
  ],
  table: {
    essential: ['texts', 'gen. perplexity', '95% interval', 'entropy', 'rep-4'],
    essentialOf: essentialTitles,
    further: [
      'NFE',
      ...comparedTitles,
      ...['TPF', 'distinct-1', 'distinct-2', 'distinct-3', 'compression', 'samples', 'sampler', 'steps'],
      ...['temperature', 'model', 'family', 'judge', 'nats/token', 'tokens judged', 'seconds'],
    ],
  },
  label: ({ samples }) => samples.name,
  notes: (_results, { results }) => generativeNotes(measuredRows(results)),
  figures: measuredFigures,
  pairing: samplePairing,
  inputs: judgeOfResult,
  repetition: {
    isRealText: (row) =>
      !fieldOf(row, 'samples.sampler') &&
      ['samples.path', 'samples.control'].every((path) => textOf(row, path) === null),
    isControl: (row) => textOf(row, 'samples.control') !== null,
    evaluatesRealText: true,
    inSuite,
    commands: ([row], realText) => commandsOf(row, realText),
  },
  report: {
    section: GENERATED_SECTION,
    subject: ['texts of', 'drawn by'],
    place: (row) => (fieldOf(row, 'samples.sampler') ? row.dataset : 'real text'),
    columns: [
      ...['gen. perplexity', '95% interval', 'entropy', 'MAUVE', 'BrierLM', 'distinct-2', 'rep-4', 'NFE'],
      ...['tokens/s', 'samples', 'judge'],
    ],
    notes: reportedNotes,
    plots: qualityPlots,
  },
};

/** Titles of MAUVE and BrierLM, which stand beside the judge's perplexity where they were measured. */
export function comparedEssentials(results: readonly WithCompared[]): string[] {
  const has = (figure: 'mauve' | 'brierLm') => results.some(({ metrics }) => metrics[figure]);
  return [...(has('mauve') ? ['MAUVE'] : []), ...(has('brierLm') ? ['BrierLM', 'Brier-1'] : [])];
}

function essentialTitles(results: readonly GenerativeResult[]): readonly string[] | null {
  const compared = comparedEssentials(results);
  return compared.length > 0 ? ['texts', 'gen. perplexity', ...compared, 'entropy'] : null;
}

/** TPF: tokens that the model wrote per call; null for real text and controls. */
function tokensPerForward({ samples }: Measured): number | null {
  return samples.nfe && samples.given !== undefined ? writtenTokens(samples) / samples.nfe : null;
}

/** The judge, whose file all results of a suite must share. */
export function judgeOfResult({
  judge,
}: {
  judge: JudgeRecord | null;
}): { what: string; sha256: string | null }[] {
  return judge ? [{ what: `Judge ${judge.name}`, sha256: judge.sha256 }] : [];
}

/** What a suite cannot say of a row is told apart here. */
function inSuite(row: ResultRow, context: SuiteEntryContext): SuiteEntry | string {
  const model = suiteModel(row, context);
  if (textOf(row, 'samples.control') !== null) return 'controls stand beside the models of a run';
  if (textOf(row, 'samples.path') !== null) return 'the texts are of a samples file';
  if (model === null) return NO_MODEL;
  if (fieldOf(row, 'samples.prompt') === true) return 'some tokens were given';
  if (numberOf(row, 'samples.seed') !== numberOf(row, 'protocol.seed')) return 'it has two seeds';
  const isCompared = ['reference', 'mauve', 'brier'].some((path) => fieldOf(row, path));
  if (isCompared && context.realText.length === 0)
    return 'the real text that it was compared with is not among these rows';
  return {
    model,
    ...suiteSampling(row, context),
    shared: { ...suiteTexts(row, context), ...suiteMeasures(row, context) },
  };
}

/** Of a samples file, or of a model that is sampled in the run. */
function commandsOf(row: ResultRow, realText: readonly string[]): string[] {
  const path = textOf(row, 'samples.path');
  const shared = [...judgeFlags(row), ...commandFlags('reference-dataset', realText), ...measureFlags(row)];
  if (path !== null) return [`${shellCommand('gen', shared)} ${shellWord(nameAndPath(row.model, path))}`];
  if (textOf(row, 'model.path') === null) return [];
  return [shellCommand('gen', [['model', modelOf(row)], ...samplerFlags(row), ...drawFlags(row), ...shared])];
}
