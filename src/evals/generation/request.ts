/**
 * All rows of `gen`: the named samples files, a model sampled in this run, and real text for comparison. Missing or
 * invalid input is found before the first model call.
 */
import type { ProtocolName } from '../../datasets/cutting.js';
import { bosNotice } from '../../datasets/packing-notices.js';
import { type DatasetRequest, eachDataset } from '../../datasets/resolve-dataset.js';
import { loadTokenizer, type SpecialTokenOverrides, type Tokenizer } from '../../datasets/tokenizer.js';
import { DataError, UsageError } from '../../errors.js';
import type { Observer } from '../../observer.js';
import { type ResultsFile, resultsFile } from '../../records/record.js';
import { samplingNotice } from '../../sampling/prepare-sampling.js';
import type { SampleRequest } from '../../sampling/sample-request.js';
import type { CacheKey } from '../../storage/cache-entry.js';
import { addBrier, Comparison, type ComparisonRequest, checkHasReference } from './comparison.js';
import { Judge, type JudgeOptions } from './judge.js';
import { recallJudged } from './judged-texts.js';
import { CONTROLS, type GenerativeResult } from './record.js';
import { type ReferenceTexts, referenceTexts } from './reference.js';
import { type GenerativeOptions, type MeasuredTexts, measureTexts } from './run.js';
import { sampledTexts } from './sampled-texts.js';
import { samplesFile, type TextOptions, type TextSet } from './texts.js';

export interface GenerativeRequest extends ComparisonRequest {
  files: readonly { path: string; name?: string }[];
  /** A model sampled in this run; null: files only. */
  sampling: SampleRequest | null;
  references: readonly DatasetRequest[];
  /** The samples' tokenizer, where it is not the judge's. */
  tokenizer?: string;
  /** Overrides the tokenizer's BOS and EOS. */
  boundaries?: SpecialTokenOverrides;
  judge: JudgeOptions | null;
  /** Joins what parts have sampled and judged for this purpose (judged-texts.ts); by default nothing. */
  joins?: CacheKey;
  /** Rows of what models wrote alone: real text is compared with, and not judged. */
  isOfModels?: boolean;
  protocol: ProtocolName;
  /** Seed of the bootstrap. */
  seed: number;
  /** Results include the figures of each sample. */
  bySample?: boolean;
}

export interface GenerativeReport {
  results: ResultsFile<GenerativeResult>;
  /** Removes what was kept to continue the run, once the results are written. */
  finish(): Promise<void>;
}

/** @throws UsageError, DataError, FileError, ModelError, NumericalError, InterruptedError */
export async function reportGenerative(
  request: GenerativeRequest,
  observer: Observer,
): Promise<GenerativeReport> {
  checkComparison(request);
  const judge = request.judge && (await Judge.open(request.judge, observer));
  const opened: Opened = { written: [], references: [], ends: [] };
  try {
    if (judge && request.joins !== undefined) {
      const finish = await recallJudged(judge, request.joins, request.sampling?.fresh ?? false);
      opened.ends.push({ close: () => {}, finish: async () => finish() });
    }
    await openSets(request, judge, observer, opened);
    const results = await measuredRows(request, { judge, opened }, observer);
    for (const { close } of opened.ends) await close();
    return {
      results: resultsFile(results),
      async finish() {
        judge?.finish();
        for (const { finish } of opened.ends) await finish?.();
      },
    };
  } catch (error) {
    judge?.keep();
    for (const { stop, close } of opened.ends) await (stop ?? close)();
    throw error;
  } finally {
    await judge?.close();
  }
}

/** What models wrote, then what controls wrote, then real text. */
async function measuredRows(
  request: GenerativeRequest,
  { judge, opened }: { judge: Judge | null; opened: Opened },
  observer: Observer,
): Promise<GenerativeResult[]> {
  const { sampling, isOfModels = false } = request;
  const [{ tokenizer, facts, count }] = opened.written;
  return withComparison(request, { tokenizer, facts, opened }, observer, async (comparison) => {
    const { protocol, seed, bySample } = request;
    const options = { protocol, seed, judge, bySample, features: comparison.features };
    const real: MeasuredTexts[] = [];
    for (const { set } of opened.references)
      real.push(await measureTexts(set, { ...options, judge: isOfModels ? null : judge }, observer));
    const against = real[0] ?? null;
    const written: MeasuredTexts[] = [];
    for (const set of opened.written) {
      const isSampled = sampling !== null && set.facts.path === null;
      const measured = await measureTexts(set, { ...options, against }, observer);
      written.push(measured);
      if (isSampled) addBrier(measured, await comparison.brierOf(sampling, observer));
    }
    if (isOfModels) return written.map(({ result }) => result);
    const entropy = written[0].result.metrics.entropy.value ?? 0;
    const controls = await measuredControls(comparison, { entropy, count, against }, options, observer);
    return [...written, ...controls, ...real].map(({ result }) => result);
  });
}

async function withComparison<T>(
  request: GenerativeRequest,
  { tokenizer, facts, opened }: { tokenizer: Tokenizer | null; facts: TextSet['facts']; opened: Opened },
  observer: Observer,
  work: (comparison: Comparison) => Promise<T>,
): Promise<T> {
  const { protocol, seed, references, mauve } = request;
  const [first] = opened.references;
  const known = tokenizer &&
    first && {
      ...{ tokenizer, protocol, seed, length: facts.length },
      others: () => first.others(),
    };
  // Without real text there is nothing but MAUVE to ask for, and that was refused.
  const comparison = await Comparison.open(known ? request : { mauve }, references, known, observer);
  try {
    return await work(comparison);
  } finally {
    await comparison.close();
  }
}

async function measuredControls(
  comparison: Comparison,
  { entropy, count, against }: { entropy: number; count: number; against: MeasuredTexts | null },
  options: GenerativeOptions,
  observer: Observer,
): Promise<MeasuredTexts[]> {
  const measured: MeasuredTexts[] = [];
  for (const { set, brier } of comparison.controls(entropy, count))
    measured.push(await measureTexts(set, { ...options, against, brier }, observer));
  return measured;
}

/** Real text, and controls with about its entropy: what stands beside sets of texts that are measured apart, as the cells of a suite are. */
export async function reportBeside(
  { sampling, ...request }: GenerativeRequest & { sampling: SampleRequest },
  observer: Observer,
): Promise<GenerativeReport> {
  const { protocol, seed, bySample } = request;
  const { tokenizer, length, samples: count } = sampling;
  const judge = request.judge && (await Judge.open(request.judge, observer));
  const opened: Opened = { written: [], references: [], ends: [] };
  try {
    for (const reference of eachDataset(request.references))
      opened.references.push(
        await referenceTexts({ ...reference, tokenizer, protocol, length, count, observer }),
      );
    const facts = opened.references[0].set.facts;
    const asked = { ...request, sampling };
    const results = await withComparison(
      asked,
      { tokenizer, facts, opened },
      observer,
      async (comparison) => {
        const options = { protocol, seed, judge, bySample, features: comparison.features };
        const real: MeasuredTexts[] = [];
        for (const { set } of opened.references) real.push(await measureTexts(set, options, observer));
        const entropy = real[0].result.metrics.entropy.value ?? 0;
        const controls = await measuredControls(
          comparison,
          { entropy, count, against: real[0] },
          options,
          observer,
        );
        return [...controls, ...real].map(({ result }) => result);
      },
    );
    return { results: resultsFile(results), finish: async () => judge?.finish() };
  } catch (error) {
    judge?.keep();
    throw error;
  } finally {
    for (const { close } of opened.references) close();
    await judge?.close();
  }
}

interface Opened {
  /** Texts that models wrote. */
  written: TextSet[];
  /** Real text. */
  references: ReferenceTexts[];
  /** Close the data; keep the finished work for a later run; remove it. */
  ends: { close(): void | Promise<void>; stop?(): Promise<void>; finish?(): Promise<void> }[];
}

async function openSets(
  request: GenerativeRequest,
  judge: Judge | null,
  observer: Observer,
  { written, references, ends }: Opened,
): Promise<void> {
  const options: TextOptions = {
    protocol: request.protocol,
    tokenizer:
      request.tokenizer === undefined ? null : await loadTokenizer(request.tokenizer, request.boundaries),
    judgeTokenizer: judge?.tokenizer ?? null,
  };
  for (const { path, name } of request.files) written.push(await samplesFile(path, name, options, observer));
  if (request.sampling) {
    const { checkpoint } = request.sampling;
    const notice = samplingNotice(request.sampling);
    if (notice !== null) observer.note?.(notice);
    const { set, run } = await sampledTexts(
      request.sampling,
      checkpoint.name,
      observer,
      request.joins === undefined ? undefined : { for: request.joins },
    );
    ends.push({ close: () => {}, stop: () => run.close(), finish: () => run.finish() });
    written.push(set);
  }
  const [first] = written;
  // For a sampled model the notices were given above.
  const ofFiles = first.tokenizer && first.facts.path !== null ? bosNotice(first.tokenizer) : null;
  if (ofFiles !== null && request.references.length > 0) observer.note?.(`${first.name}: ${ofFiles}`);
  for (const reference of eachDataset(request.references)) {
    const { tokenizer } = first;
    if (!tokenizer) throw noTokenizer(first.name);
    const opened = await referenceTexts({
      ...reference,
      tokenizer,
      protocol: request.protocol,
      length: first.facts.length,
      count: first.count,
      observer,
    });
    ends.push(opened);
    references.push(opened);
  }
  const controls = request.controls ? CONTROLS : [];
  checkDistinct([...[...written, ...references.map(({ set }) => set)].map(({ name }) => name), ...controls]);
}

/** @throws UsageError where what was asked for needs real text, or a model, and there is none */
function checkComparison(request: GenerativeRequest): void {
  checkHasReference(request, request.references);
  const { brierItems, sampling } = request;
  if (brierItems && sampling === null) {
    throw new UsageError({
      code: 'brier-needs-model',
      message: '--brier needs a model that continues prompts, and there are samples files only.',
      hint: 'Give the checkpoint with --model.',
    });
  }
}

/** Each row needs a unique name. @throws UsageError */
function checkDistinct(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new UsageError({
    code: 'duplicate-texts-name',
    message: `Two sets of texts are called "${twice}".`,
    hint: 'Name them: first=path second=path',
  });
}

function noTokenizer(name: string): DataError {
  return new DataError({
    code: 'no-samples-tokenizer',
    message: `Real text beside ${name} needs the tokenizer that ${name} was written with, and it is not the judge's.`,
    hint: 'Give it with --tokenizer (a folder or a tokenizer.json).',
  });
}
