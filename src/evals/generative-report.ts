/**
 * All rows of `gen`: the samples files that were named, then real text beside them. What is missing or wrong is found
 * before the first model call.
 */
import type { ProtocolName } from '../datasets/cutting.js';
import { loadTokenizer } from '../datasets/tokenizer.js';
import { DataError, UsageError } from '../errors.js';
import type { GenerativeResult } from '../results/generative-record.js';
import { type ResultsFile, resultsFile } from '../results/record.js';
import { Judge, type JudgeOptions } from './generative-judge.js';
import { referenceTexts } from './generative-reference.js';
import { type GenerativeObserver, measureTexts } from './generative-run.js';
import { samplesFile, type TextOptions, type TextSet, tokenizerOfSamples } from './generative-texts.js';

export interface GenerativeRequest {
  files: readonly { path: string; name?: string }[];
  references: readonly { spec: string; textColumn?: string }[];
  /** The samples' tokenizer, where the judge's is another. */
  tokenizer?: string;
  judge: JudgeOptions | null;
  protocol: ProtocolName;
  /** Of the bootstrap. */
  seed: number;
}

export interface ReportObserver extends GenerativeObserver {
  packing?: (dataset: string, done: number, total: number | null) => void;
  judging?: (name: string, done: number, total: number) => void;
}

export interface GenerativeReport {
  results: ResultsFile<GenerativeResult>;
  /** The results are where they belong: what was kept to continue the run is removed. */
  finish(): void;
}

/** @throws UsageError, DataError, FileError, ModelError, NumericalError, InterruptedError */
export async function reportGenerative(
  request: GenerativeRequest,
  observer: ReportObserver,
): Promise<GenerativeReport> {
  const { protocol, seed } = request;
  const judge = request.judge && (await Judge.open(request.judge, observer));
  const closers: (() => void)[] = [];
  try {
    const sets = await openSets(request, judge, observer, closers);
    const results: GenerativeResult[] = [];
    for (const set of sets) {
      const measured = await measureTexts(set, { protocol, seed, judge }, observer);
      results.push(measured.result);
    }
    return { results: resultsFile(results), finish: () => judge?.finish() };
  } catch (error) {
    judge?.keep();
    throw error;
  } finally {
    for (const close of closers) close();
    await judge?.close();
  }
}

async function openSets(
  request: GenerativeRequest,
  judge: Judge | null,
  observer: ReportObserver,
  closers: (() => void)[],
): Promise<TextSet[]> {
  const options: TextOptions = {
    protocol: request.protocol,
    tokenizer: request.tokenizer === undefined ? null : await loadTokenizer(request.tokenizer),
    judgeTokenizer: judge?.tokenizer ?? null,
  };
  const sets: TextSet[] = [];
  for (const { path, name } of request.files) sets.push(await samplesFile(path, name, options, observer));
  const [first] = sets;
  for (const reference of request.references) {
    const tokenizer = tokenizerOfSamples(first.facts.tokenizerSha256, options);
    if (!tokenizer) throw noTokenizer(first.name);
    const { set, close } = await referenceTexts({
      ...reference,
      tokenizer,
      protocol: request.protocol,
      length: first.facts.length,
      count: first.count,
      onProgress: observer.packing,
      signal: observer.signal,
      warn: observer.warn,
    });
    closers.push(close);
    sets.push(set);
  }
  checkDistinct(sets.map(({ name }) => name));
  return sets;
}

/** Rows are told apart by name. @throws UsageError */
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
