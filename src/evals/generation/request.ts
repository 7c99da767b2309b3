/**
 * All rows of `gen`: the named samples files, a model sampled in this run, and real text for comparison. Missing or
 * invalid input is found before the first model call.
 */
import type { ProtocolName } from '../../datasets/cutting.js';
import { bosNotice } from '../../datasets/packing-notices.js';
import { type DatasetRequest, eachDataset } from '../../datasets/resolve-dataset.js';
import { loadTokenizer, type SpecialTokenOverrides } from '../../datasets/tokenizer.js';
import { DataError, UsageError } from '../../errors.js';
import type { Observer } from '../../observer.js';
import { type ResultsFile, resultsFile } from '../../records/record.js';
import { samplingNotice } from '../../sampling/prepare-sampling.js';
import type { SampleRequest } from '../../sampling/sample-request.js';
import type { CacheKey } from '../../storage/cache-entry.js';
import { type BrierPart, brierOfControl, brierOfModel, type Prompts, readPrompts } from './continuations.js';
import { controlsOf, controlTexts } from './controls.js';
import { Judge, type JudgeOptions } from './judge.js';
import { recallJudged } from './judged-texts.js';
import { CONTROLS, type GenerativeResult } from './record.js';
import { needsReference, type ReferenceTexts, referenceTexts } from './reference.js';
import { FeatureModel } from './reference-measures.js';
import { type MeasuredTexts, measureTexts } from './run.js';
import { sampledTexts } from './sampled-texts.js';
import { samplesFile, type TextOptions, type TextSet } from './texts.js';

export interface GenerativeRequest {
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
  /** The checkpoint whose hidden states MAUVE compares; null: no MAUVE. */
  mauve?: JudgeOptions | null;
  /** Prompts of BrierLM, from the first data set of `references`; null: no BrierLM. */
  brierItems?: number | null;
  /** Naive samplers get rows of their own. */
  controls?: boolean;
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
  checkHasReference(request);
  const judge = request.judge && (await Judge.open(request.judge, observer));
  const features = request.mauve ? await FeatureModel.open(request.mauve, observer) : null;
  const opened: Opened = { written: [], references: [], ends: [] };
  try {
    if (judge && request.joins !== undefined) {
      const finish = await recallJudged(judge, request.joins, request.sampling?.fresh ?? false);
      opened.ends.push({ close: () => {}, finish: async () => finish() });
    }
    await openSets(request, judge, observer, opened);
    const results = await measuredRows(request, { judge, features, opened }, observer);
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
    await features?.close();
  }
}

/** What models wrote, then what controls wrote, then real text. */
async function measuredRows(
  request: GenerativeRequest,
  { judge, features, opened }: { judge: Judge | null; features: FeatureModel | null; opened: Opened },
  observer: Observer,
): Promise<GenerativeResult[]> {
  const { protocol, seed, bySample, sampling } = request;
  const options = { protocol, seed, judge, bySample, features };
  const real: MeasuredTexts[] = [];
  for (const { set } of opened.references) real.push(await measureTexts(set, options, observer));
  const against = real[0] ?? null;
  const [{ tokenizer, facts }] = opened.written;
  const prompts =
    request.brierItems && tokenizer
      ? await readPrompts(
          { dataset: request.references[0], items: request.brierItems },
          { tokenizer, length: facts.length, protocol },
          observer,
        )
      : null;
  const written: MeasuredTexts[] = [];
  for (const set of opened.written) {
    const isSampled = sampling !== null && set.facts.path === null;
    const measured = await measureTexts(set, { ...options, against }, observer);
    written.push(measured);
    if (isSampled && prompts) addBrier(measured, await brierOfModel(sampling, prompts, observer));
  }
  const controls: MeasuredTexts[] = [];
  for (const { set, brier } of controlSets(request, { opened, written, prompts }))
    controls.push(await measureTexts(set, { ...options, against, brier }, observer));
  return [...written, ...controls, ...real].map(({ result }) => result);
}

function addBrier({ result }: MeasuredTexts, { metrics, record }: BrierPart): void {
  Object.assign(result.metrics, metrics);
  result.brier = record;
}

/** Naive samplers with about the entropy of the first set. */
function controlSets(
  { controls, seed, protocol }: GenerativeRequest,
  {
    opened,
    written,
    prompts,
  }: { opened: Opened; written: readonly MeasuredTexts[]; prompts: Prompts | null },
): { set: TextSet; brier: BrierPart | null }[] {
  const [{ tokenizer, facts, count }] = opened.written;
  if (!controls || !tokenizer) return [];
  const { value } = written[0].result.metrics.entropy;
  const knowledge = {
    ...{ tokenizer, seed, length: facts.length, entropy: value ?? 0 },
    texts: opened.references[0].others(),
  };
  return controlsOf(knowledge).map((control) => ({
    set: controlTexts(control, knowledge, { count, cleanUp: protocol === 'duo' }),
    brier: prompts && brierOfControl(control, prompts, seed),
  }));
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
function checkHasReference({ references, mauve, brierItems, controls, sampling }: GenerativeRequest): void {
  const asked = [
    ...(mauve ? ['--mauve'] : []),
    ...(brierItems ? ['--brier'] : []),
    ...(controls ? ['--controls'] : []),
  ];
  if (asked.length > 0 && references.length === 0) {
    throw needsReference(asked);
  }
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
