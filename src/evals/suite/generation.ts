/**
 * The part `gen` of a suite: every model, by every sampler and number of steps, from every seed, judged. A cell is not
 * needed where its sampler does not support the family of the model, or where it repeats an ar model, which takes one step
 * per token, with another number of steps.
 *
 *     gen:
 *       judge: gpt2.onnx
 *       samplers: [ancestral, {name: psi, options: {preset: remdm-cap, eta: 0.04}}, ./mine.mjs]
 *       steps: [8, 32]
 *       samples: 64
 *       references: [sotu]           # compares with real text, which is a cell of its own
 *       mauve: gpt2.onnx
 *       brier: 64
 *       controls: true
 */
import { z } from 'zod';
import { loadTokenizer } from '../../datasets/tokenizer.js';
import { UsageError } from '../../errors.js';
import { providerOf } from '../../models/provider.js';
import type { Observer } from '../../observer.js';
import { prepareSampling } from '../../sampling/prepare-sampling.js';
import type { SampleRequest } from '../../sampling/sample-request.js';
import { samplesKey } from '../../sampling/sample-run.js';
import type { CacheKey } from '../../storage/cache-entry.js';
import { areJudged, judgePart } from '../generation/judged-texts.js';
import { CONTROLS, type GenerativeResult } from '../generation/record.js';
import { reportBeside, reportGenerative } from '../generation/request.js';
import type { Cell, CellKind, SuiteContext, SuiteSettings } from './cell.js';
import {
  type ComparisonSaid,
  comparedWith,
  comparisonKey,
  comparisonKeys,
  comparisonOf,
  referenceDigests,
  type SuiteComparison,
  withNameOfRealText,
} from './comparison-keys.js';
import { judgeOf, judgeSchema, modelRecordIn, type SuiteJudge, type SuiteModel } from './named-files.js';
import { sampledCells, samplersOf, samplingKeys, unique } from './sampling-keys.js';
import { continuationsOf, estimateOf, givenOptions, samplingLabel, samplingPlan } from './sampling-work.js';

const schema = z.strictObject({
  ...samplingKeys,
  judge: judgeSchema.optional(),
  temperature: z.number().positive().default(1),
  batch: z.int().min(1).max(4096).optional(),
  ...comparisonKeys,
});
type Generation = z.infer<typeof schema>;

/** One set of texts: a model, how it is sampled, from a seed. */
export interface GenerationCell {
  eval: 'gen';
  index: number;
  model: SuiteModel;
  generation: Omit<Generation, 'samplers' | 'steps' | 'seeds' | 'judge' | keyof ComparisonSaid>;
  comparison: SuiteComparison;
  /** Real text and naive samplers, which stand beside the models; nothing is sampled then. */
  isBeside: boolean;
  judge: SuiteJudge | null;
  /** Null: the first that supports the model. */
  sampler: string | null;
  samplerOptions: string[];
  steps: number;
  /** Whether its number of steps is not the first in the list. */
  isOtherSteps: boolean;
  seed: number;
  /** Settings that its name includes: those that the suite varies, other than the seed. */
  varied: { sampler: boolean; steps: boolean };
}

/** Increased whenever a cell kept under the same key would hold something else. */
const CELL_VERSION = 2;

export const GENERATION_CELLS: CellKind<Generation, GenerationCell, GenerativeResult> = {
  name: 'gen',
  schema,
  hasOneResult: true,
  requests,
  checkpoints: ({ model, judge, comparison: { mauve } }) => [
    model.path,
    ...[judge, mauve].flatMap((one) => one?.path ?? []),
  ],
  samplers: ({ sampler }) => (sampler === null ? [] : [sampler]),
  async open([cell], suite, observer, work) {
    return work([await (cell.isBeside ? besideCell : openedCell)(cell, suite, observer)]);
  },
};

function requests(
  { samplers, steps, seeds, judge, references, mauve, brier, controls, ...generation }: Generation,
  { models, first, folder }: SuiteContext,
): GenerationCell[] {
  const comparison = comparisonOf({ references, mauve, brier, controls }, folder);
  const chosen = samplers === undefined ? [null] : samplersOf(samplers, folder);
  const cells = sampledCells(models, chosen, { steps, seeds }, (sampler) => ({
    eval: 'gen' as const,
    generation,
    judge: judge === undefined ? null : judgeOf(judge, folder),
    ...{ comparison, isBeside: false },
    sampler: sampler?.spec ?? null,
    samplerOptions: [...(sampler?.options ?? [])],
    varied: { sampler: chosen.length > 1, steps: unique(steps).length > 1 },
  }));
  const beside = { ...cells[0], sampler: null, samplerOptions: [], isBeside: true };
  const all = comparison.references.length > 0 ? [...cells, beside] : cells;
  return all.map((cell, i) => ({ ...cell, index: first + i }));
}

/** Real text, and naive samplers with about its entropy. */
async function besideCell(
  cell: GenerationCell,
  suite: SuiteSettings,
  observer: Observer,
): Promise<Cell<GenerativeResult>> {
  // The first sampler of a family fits it.
  const request = (await requestOf({ ...cell, isOtherSteps: false }, suite))!;
  const { index, seed, judge, comparison } = cell;
  const { provider, threads, timeoutMs, fresh } = suite;
  const { samples, protocol, batch } = cell.generation;
  const { references } = comparison;
  const rows = references.length + (comparison.controls ? CONTROLS.length : 0);
  const texts = samples * rows;
  const works = [{ request, samples: 0, texts, described: texts, starts: 0, processes: 0 }];
  return {
    index,
    key: {
      cell: CELL_VERSION,
      beside: [samples, request.length, protocol, seed, request.tokenizer.sha256],
      judge: await judgeKey(judge, suite),
      ...(await comparisonKey(comparison, request, suite, observer)),
      references: await referenceDigests(references, request, observer),
      controls: comparison.controls,
    },
    plan: samplingPlan(
      {
        model: comparison.controls ? 'real text and controls' : 'real text',
        dataset: references.map(({ name }) => name).join(', '),
      },
      { seed, samples, works },
    ),
    named: (kept) => kept.map((result, i) => withNameOfRealText(result, { i, of: kept.length }, references)),
    learn() {},
    estimate: async (paces) => estimateOf(works, { judge, mauve: comparison.mauve }, suite, paces),
    async run(keep) {
      const { results: file, finish } = await reportBeside(
        {
          ...{ files: [], sampling: request, protocol, seed, bySample: true },
          ...comparedWith(comparison, suite),
          judge: judge && { ...judge, provider, threads, timeoutMs, fresh, batch },
        },
        observer,
      );
      await keep(file.results);
      await finish();
    },
  };
}

async function openedCell(
  cell: GenerationCell,
  suite: SuiteSettings,
  observer: Observer,
): Promise<Cell<GenerativeResult>> {
  const request = await requestOf(cell, suite);
  const { index, seed, judge, model } = cell;
  const { provider, threads, timeoutMs, fresh } = suite;
  const { samples, protocol, batch } = cell.generation;
  const sampler = request?.sampler.sampler.name ?? cell.sampler ?? undefined;
  const asked = judge && { ...judge, provider, threads, timeoutMs, fresh, batch };
  const key = request && {
    cell: CELL_VERSION,
    texts: await samplesKey(request, providerOf(provider)),
    samples,
    protocol,
    tokenizer: request.tokenizer.sha256,
    judge: await judgeKey(judge, suite),
    ...(await comparisonKey(cell.comparison, request, suite, observer)),
  };
  const shared = request && { sampling: request, judge: asked, key };
  const { brier, mauve } = cell.comparison;
  const drawn = {
    samples: samples + continuationsOf(brier),
    texts: samples,
    described: 2 * samples, // its own, and real text
    starts: brier === null ? 1 : 2,
    processes: 0,
  };
  const works = request ? [{ request, ...drawn }] : [];
  return {
    index,
    key,
    plan: samplingPlan(
      {
        model: model.name,
        dataset: samplingLabel(sampler, request?.steps ?? cell.steps),
        samplerOptions: request?.options ?? givenOptions(cell.samplerOptions),
      },
      { seed, samples, works },
    ),
    named: ([kept]) => [
      {
        ...kept,
        model: kept.model && modelRecordIn(model, kept.model),
        samples: { ...kept.samples, name: nameOf(cell, request) },
      },
    ],
    learn: ([kept], paces) => paces.learnSamples(kept),
    estimate: async (paces) => estimateOf(works, { judge, mauve }, suite, paces),
    ...(shared && {
      parts: {
        // A module of someone's may depend on what else is in its batch.
        grain: request.sampler.module === null ? 1 : request.batch,
        run: (range) => judgePart(shared, range, observer),
        areKept: (ranges) => areJudged(shared, ranges),
      },
    }),
    async run(keep) {
      const { results: file, finish } = await reportGenerative(
        {
          files: [],
          sampling: request,
          ...comparedWith(cell.comparison, suite),
          ...{ controls: false, isOfModels: true },
          protocol,
          seed,
          bySample: true,
          judge: asked,
          joins: key,
        },
        observer,
      );
      const [result] = file.results;
      await keep([{ ...result, samples: { ...result.samples, name: nameOf(cell, request) } }]);
      await finish();
    },
  };
}

/** How the cell is sampled; null where it is not needed. */
async function requestOf(cell: GenerationCell, suite: SuiteSettings): Promise<SampleRequest | null> {
  const checkpoint = await suite.open(cell.model);
  if (checkpoint.family === 'ar' && cell.isOtherSteps) return null;
  const { provider, threads, timeoutMs, fresh } = suite;
  const { samples, length, temperature, topK, topP, protocol, batch } = cell.generation;
  const { samplerOptions, steps, seed } = cell;
  try {
    return await prepareSampling({
      ...{ checkpoint, samplerOptions, steps, seed, samples, length, temperature, protocol, batch },
      ...{ provider, threads, timeoutMs, fresh },
      sampler: cell.sampler ?? undefined,
      tokenizer: cell.model.overrides.tokenizer,
      topK: topK ?? null,
      topP: topP ?? null,
      traced: false,
    });
  } catch (error) {
    if (error instanceof UsageError && error.code === 'sampler-does-not-fit') return null;
    throw error;
  }
}

/** `uniform psi eta=0.04 8`, with sampler and steps only where the suite varies them. */
function nameOf(
  { model, sampler, samplerOptions, steps, varied }: GenerationCell,
  request: SampleRequest | null,
): string {
  const counted = varied.steps && request?.checkpoint.family !== 'ar';
  const drawn = varied.sampler && sampler !== null ? [sampler, ...samplerOptions] : [];
  return [model.name, ...drawn, ...(counted ? [steps] : [])].join(' ');
}

/** Everything that determines the losses of a judge. */
async function judgeKey(judge: SuiteJudge | null, { open }: SuiteSettings): Promise<CacheKey> {
  if (!judge) return null;
  const { path, name = path, tokenizer, context = null } = judge;
  const checkpoint = await open({ name, path, overrides: {} });
  const read = tokenizer ?? checkpoint.fields.tokenizer.value;
  const { bosTokenId, eosTokenId } = checkpoint.fields;
  return {
    model: await checkpoint.sha256(),
    tokenizer: read === null ? null : (await loadTokenizer(read)).sha256,
    tokens: [bosTokenId.value, eosTokenId.value],
    context,
  };
}
