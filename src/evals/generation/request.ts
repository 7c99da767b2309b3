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
import { Judge, type JudgeOptions } from './judge.js';
import type { GenerativeResult } from './record.js';
import { referenceTexts } from './reference.js';
import { measureTexts } from './run.js';
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
  const { protocol, seed, bySample } = request;
  const judge = request.judge && (await Judge.open(request.judge, observer));
  const opened: Opened = { sets: [], ends: [] };
  try {
    await openSets(request, judge, observer, opened);
    const results: GenerativeResult[] = [];
    for (const set of opened.sets)
      results.push((await measureTexts(set, { protocol, seed, judge, bySample }, observer)).result);
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

interface Opened {
  sets: TextSet[];
  /** Close the data; keep the finished work for a later run; remove it. */
  ends: { close(): void | Promise<void>; stop?(): Promise<void>; finish?(): Promise<void> }[];
}

async function openSets(
  request: GenerativeRequest,
  judge: Judge | null,
  observer: Observer,
  { sets, ends }: Opened,
): Promise<void> {
  const options: TextOptions = {
    protocol: request.protocol,
    tokenizer:
      request.tokenizer === undefined ? null : await loadTokenizer(request.tokenizer, request.boundaries),
    judgeTokenizer: judge?.tokenizer ?? null,
  };
  for (const { path, name } of request.files) sets.push(await samplesFile(path, name, options, observer));
  if (request.sampling) {
    const { checkpoint } = request.sampling;
    const notice = samplingNotice(request.sampling);
    if (notice !== null) observer.note?.(notice);
    const { set, run } = await sampledTexts(request.sampling, checkpoint.name, observer);
    ends.push({ close: () => {}, stop: () => run.close(), finish: () => run.finish() });
    sets.push(set);
  }
  const [first] = sets;
  // For a sampled model the notices were given above.
  const ofFiles = first.tokenizer && first.facts.path !== null ? bosNotice(first.tokenizer) : null;
  if (ofFiles !== null && request.references.length > 0) observer.note?.(`${first.name}: ${ofFiles}`);
  for (const reference of eachDataset(request.references)) {
    const { tokenizer } = first;
    if (!tokenizer) throw noTokenizer(first.name);
    const { set, close } = await referenceTexts({
      ...reference,
      tokenizer,
      protocol: request.protocol,
      length: first.facts.length,
      count: first.count,
      observer,
    });
    ends.push({ close });
    sets.push(set);
  }
  checkDistinct(sets.map(({ name }) => name));
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
