/**
 * Zero-shot perplexity of several models on several data sets: what is needed is opened and checked first, then every
 * model is evaluated on every data set, and models are compared pairwise where they saw the same stream.
 */
import { cpus } from 'node:os';
import { packDataset } from '../datasets/pack-dataset.js';
import type { PackedStream } from '../datasets/packed-stream.js';
import { resolveDataset } from '../datasets/resolve-dataset.js';
import type { TextSource } from '../datasets/text-source.js';
import { loadTokenizer, type Tokenizer } from '../datasets/tokenizer.js';
import { ModelError } from '../errors.js';
import type { Checkpoint } from '../models/checkpoint.js';
import type { Provider } from '../models/provider.js';
import { type Comparison, type PerplexityResult, type ResultsFile, resultsFile } from '../results/record.js';
import { pairedComparison } from '../results/statistics.js';
import type { CacheKey } from '../storage/cache-entry.js';
import { VERSIONS } from '../versions.js';
import { journaled, type LossJournal } from './loss-journal.js';
import { LossSession } from './loss-session.js';
import {
  type PerplexityEstimate,
  type PerplexityObserver,
  type PerplexityOptions,
  zeroShotPerplexity,
} from './zero-shot-perplexity.js';

/** Raised when the same protocol name would give another figure. */
const PROTOCOL_VERSION = 1;

export interface PerplexityRequest {
  checkpoints: readonly Checkpoint[];
  datasets: readonly { spec: string; textColumn?: string }[];
  /** Overrides the checkpoints' own. */
  tokenizer?: string;
  length?: number;
  options: PerplexityOptions;
  provider: Provider;
  threads?: number;
  timeoutMs?: number;
  /** Ignore what an earlier, stopped run finished. */
  fresh: boolean;
}

export interface PerplexityRun {
  results: ResultsFile;
  /** The results are where they belong: what was kept to continue the run is removed. */
  finish(): void;
}

/** What a run tells while it goes on. */
export interface RunObserver {
  note(text: string): void;
  warn(text: string): void;
  packing(dataset: string, done: number, total: number | null): void;
  evaluating(model: string, dataset: string, progress: { done: number; total: number }): void;
  sequence?: (record: SequenceRecord) => void;
  signal?: AbortSignal;
}

/** One line of `--log-sequences`. */
export interface SequenceRecord {
  model: string;
  dataset: string;
  sequence: number;
  draw: number;
  /** Time and signal level of the draw; null for ar. */
  t: number | null;
  alpha: number | null;
  tokens: number;
  nats: number;
}

/** A model and a data set, opened. */
export interface Cell {
  checkpoint: Checkpoint;
  stream: PackedStream;
}

/** Opens every model's tokenizer and every data set's packed stream. The caller closes the streams. */
export async function prepareCells(request: PerplexityRequest, observer: RunObserver): Promise<Cell[]> {
  const sources: TextSource[] = [];
  for (const dataset of request.datasets) sources.push(await resolveDataset(dataset));
  const tokenizers = new Map<string, Tokenizer>();
  const cells: Cell[] = [];
  for (const checkpoint of request.checkpoints) {
    const tokenizer = await tokenizerOf(checkpoint, request.tokenizer, tokenizers);
    const length = sequenceLength(checkpoint, request.length, observer);
    if (tokenizer.bosTokenId === null && tokenizer.eosTokenId === null) {
      observer.note(
        `${checkpoint.name}: the tokenizer has neither BOS nor EOS, so sequences are ${length} tokens, unwrapped.`,
      );
    }
    const { fixedBatch } = checkpoint.signature;
    if (fixedBatch !== null && fixedBatch !== request.options.batch) {
      observer.note(
        `${checkpoint.name}: its graph takes ${fixedBatch} sequences a call, so that is the batch.`,
      );
    }
    for (const source of sources) {
      const stream = await packDataset({
        source,
        tokenizer,
        length,
        protocol: request.options.protocol,
        keepRemainder: checkpoint.signature.fixedLength === null,
        onProgress: (done, total) => observer.packing(source.name, done, total),
        signal: observer.signal,
      });
      cells.push({ checkpoint, stream });
    }
  }
  return cells;
}

/** Evaluates the cells, model by model, and compares the models on each data set. */
export async function runPerplexity(
  request: PerplexityRequest,
  cells: readonly Cell[],
  observer: RunObserver,
): Promise<PerplexityRun> {
  const evaluated: Evaluated[] = [];
  const journals: LossJournal[] = [];
  warnOfLimit(cells, request.options, observer);
  try {
    for (const checkpoint of request.checkpoints) {
      const streams = cells.filter((cell) => cell.checkpoint === checkpoint).map(({ stream }) => stream);
      evaluated.push(...(await evaluateModel(checkpoint, streams, request, observer, journals)));
    }
  } catch (error) {
    for (const journal of journals) journal.close();
    throw error;
  }
  // Rows by data set, since models are what one compares.
  const order = [...new Set(cells.map(({ stream }) => stream.name))];
  evaluated.sort((a, b) => order.indexOf(a.stream.name) - order.indexOf(b.stream.name));
  return {
    results: resultsFile(
      evaluated.map(({ result }) => result),
      comparisonsOf(evaluated, observer),
    ),
    finish: () => {
      for (const journal of journals) journal.finish();
    },
  };
}

/** One model on its data sets; every journal that is opened is added to `journals`. */
async function evaluateModel(
  checkpoint: Checkpoint,
  streams: readonly PackedStream[],
  request: PerplexityRequest,
  observer: RunObserver,
  journals: LossJournal[],
): Promise<Evaluated[]> {
  const { options } = request;
  const session = await LossSession.start({ checkpoint, ...request, notice: observer.warn });
  const evaluated: Evaluated[] = [];
  try {
    for (const stream of streams) {
      const journal = journaled(
        session,
        await journalKey(checkpoint, stream, options, session.provider),
        request,
      );
      journals.push(journal);
      if (journal.resumed > 0) {
        observer.note(
          `${checkpoint.name} on ${stream.name}: continuing; ${journal.resumed} sequences were finished by an earlier run.`,
        );
      }
      const estimate = await zeroShotPerplexity(journal, stream, options, {
        onProgress: (done, total) => observer.evaluating(checkpoint.name, stream.name, { done, total }),
        onLoss: observer.sequence && logLosses(observer.sequence, checkpoint.name, stream.name),
        signal: observer.signal,
      });
      estimate.wallSeconds += journal.earlierSeconds;
      checkpoint.verifyUnchanged();
      warnAbout(checkpoint, stream, estimate, options, observer);
      evaluated.push({ stream, estimate, result: await resultOf(session, stream, estimate, options) });
    }
  } finally {
    await session.close();
  }
  return evaluated;
}

/** All that decides a loss of a (sequence, draw): not the batch, the threads or how many draws are made. */
async function journalKey(
  checkpoint: Checkpoint,
  stream: PackedStream,
  { protocol, seed, limit, estimator }: PerplexityOptions,
  provider: Provider,
): Promise<CacheKey> {
  const { schedule, maskTokenId, timeConditioning } = checkpoint.fields;
  return {
    losses: PROTOCOL_VERSION,
    model: await checkpoint.sha256(),
    family: checkpoint.family,
    vocabSize: checkpoint.vocabSize,
    maskTokenId: maskTokenId.value,
    schedule: schedule.value && { type: schedule.value.type, eps: schedule.value.eps },
    timeConditioning: timeConditioning.value,
    stream: stream.sha256,
    length: stream.length,
    wrapped: stream.wrapped,
    sequences: Math.min(stream.sequences, limit ?? stream.sequences),
    protocol,
    estimator,
    seed,
    provider,
  };
}

interface Evaluated {
  stream: PackedStream;
  estimate: PerplexityEstimate;
  result: PerplexityResult;
}

async function tokenizerOf(
  checkpoint: Checkpoint,
  override: string | undefined,
  loaded: Map<string, Tokenizer>,
): Promise<Tokenizer> {
  const path = override ?? checkpoint.fields.tokenizer.value;
  if (path === null) {
    throw new ModelError({
      code: 'no-tokenizer',
      message: `Nothing says which tokenizer ${checkpoint.name} was trained with.`,
      hint: 'Give --tokenizer (a folder or a tokenizer.json), or "tokenizer" in its card.',
    });
  }
  const bosTokenId = checkpoint.fields.bosTokenId.value;
  const eosTokenId = checkpoint.fields.eosTokenId.value;
  const key = JSON.stringify([path, bosTokenId, eosTokenId]);
  const known = loaded.get(key);
  if (known) return known;
  const tokenizer = await loadTokenizer(path, {
    bosTokenId: bosTokenId ?? undefined,
    eosTokenId: eosTokenId ?? undefined,
  });
  loaded.set(key, tokenizer);
  return tokenizer;
}

/** L: the flag, else the graph's own, else the card's, else the published protocol's 1,024. */
function sequenceLength(checkpoint: Checkpoint, wanted: number | undefined, observer: RunObserver): number {
  const { name, signature } = checkpoint;
  const length = checkpoint.fields.length.value;
  const fixed = signature.fixedLength;
  const asked = wanted ?? length ?? fixed ?? DEFAULT_LENGTH;
  if (fixed === null) {
    if (length !== null && asked > length) {
      observer.warn(`${name} was trained with sequences of ${length} tokens; ${asked} were asked for.`);
    }
    return asked;
  }
  if (fixed < asked)
    observer.note(`${name}: its graph takes ${fixed} tokens a sequence, so that is the length.`);
  if (fixed > asked) {
    throw new ModelError({
      code: 'fixed-length',
      message: `The graph of ${name} takes exactly ${fixed} tokens a sequence; ${asked} were asked for.`,
      hint: `Give --length ${fixed}, or export the model with a dynamic length.`,
    });
  }
  return fixed;
}

const DEFAULT_LENGTH = 1024;

function logLosses(
  log: (record: SequenceRecord) => void,
  model: string,
  dataset: string,
): PerplexityObserver['onLoss'] {
  return ({ sequence, draw, nats }, { level }, tokens) =>
    log({ model, dataset, sequence, draw, t: level?.t ?? null, alpha: level?.alpha ?? null, tokens, nats });
}

/** Once a data set, before the run: models of other lengths may have other counts. */
function warnOfLimit(cells: readonly Cell[], { limit }: PerplexityOptions, observer: RunObserver): void {
  if (limit === null) return;
  const cut = cells.filter(({ stream }) => limit < stream.sequences);
  const warnings = cut.map(
    ({ stream: { name, sequences } }) =>
      `${name}: the first ${limit} of ${sequences} sequences are not a random sample of the data set.`,
  );
  for (const warning of new Set(warnings)) observer.warn(warning);
}

function warnAbout(
  checkpoint: Checkpoint,
  stream: PackedStream,
  { metrics }: PerplexityEstimate,
  { until }: PerplexityOptions,
  observer: RunObserver,
): void {
  const reached = metrics.nll.mcStderr === null ? null : 1.96 * metrics.nll.mcStderr;
  if (until !== null && (reached === null || reached > until)) {
    const how = reached === null ? 'cannot be told' : `is ${reached.toPrecision(2)}`;
    observer.warn(
      `${checkpoint.name} on ${stream.name}: --until ${until} was not reached; 1.96 · draw error ${how}. Give more --draws.`,
    );
  }
}

async function resultOf(
  session: LossSession,
  stream: PackedStream,
  estimate: PerplexityEstimate,
  options: PerplexityOptions,
): Promise<PerplexityResult> {
  const { checkpoint } = session;
  const { metrics, wallSeconds, tokens, sequences, modelCalls } = estimate;
  const exact = estimate.estimator === 'exact';
  return {
    eval: 'ppl',
    model: {
      name: checkpoint.name,
      family: checkpoint.family,
      sha256: await checkpoint.sha256(),
      path: checkpoint.path,
    },
    dataset: {
      name: stream.name,
      split: stream.split,
      sha256: stream.sha256,
      sourceSha256: stream.sourceSha256,
      texts: stream.texts,
      tokens: stream.tokens,
      sequences: stream.sequences,
      droppedTokens: stream.droppedTokens,
      limit: options.limit,
    },
    protocol: {
      name: options.protocol,
      version: PROTOCOL_VERSION,
      length: stream.length,
      tokenizerSha256: stream.tokenizerSha256,
      timeRange: !exact && options.protocol === 'duo' ? [1e-3, 1] : null,
      draws: exact ? null : estimate.draws,
      estimator: estimate.estimator,
      seed: exact ? null : options.seed,
      integration: estimate.integration?.description ?? null,
      randomizations: estimate.randomizations,
      until: options.until,
    },
    metrics,
    cost: {
      sequences,
      tokens,
      modelCalls,
      wallSeconds,
      tokensPerSecond: wallSeconds > 0 ? tokens / wallSeconds : null,
    },
    environment: {
      ...VERSIONS,
      provider: session.provider,
      threads: session.threads,
      cpu: cpus()[0]?.model.trim() ?? null,
      batch: estimate.batch,
    },
  };
}

function comparisonsOf(evaluated: readonly Evaluated[], observer: RunObserver): Comparison[] {
  const comparisons: Comparison[] = [];
  for (const [i, a] of evaluated.entries()) {
    for (const b of evaluated.slice(i + 1)) {
      if (a.stream.name !== b.stream.name) continue;
      const names = { a: a.result.model.name, b: b.result.model.name, dataset: a.stream.name };
      if (a.stream.sha256 !== b.stream.sha256) {
        observer.note(
          `${names.a} and ${names.b} are not compared on ${names.dataset}: their packed streams differ (tokenizer or length).`,
        );
        continue;
      }
      comparisons.push({
        ...names,
        ...pairedComparison({
          natsA: a.estimate.textNats,
          natsB: b.estimate.textNats,
          textTokens: a.estimate.textTokens,
        }),
      });
    }
  }
  return comparisons;
}
