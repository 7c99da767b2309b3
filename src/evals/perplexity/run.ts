/**
 * Zero-shot perplexity of several models on several data sets: every model is evaluated on every data set, and models
 * are compared pairwise where they saw the same stream. Models and data sets are opened before, by cells.ts.
 */
import type { PackedStream } from '../../datasets/packed-stream.js';
import { selectedSequences } from '../../datasets/selected-sequences.js';
import { timesAveraged } from '../../diffusion/integration.js';
import { batchOf } from '../../models/batch-limit.js';
import { type Checkpoint, decidingFields } from '../../models/checkpoint.js';
import { environmentOf } from '../../models/machine.js';
import type { Provider } from '../../models/provider.js';
import { type Observer, partOf, partsOf } from '../../observer.js';
import { type ResultsFile, resultsFile } from '../../records/record.js';
import { studentQuantile95 } from '../../statistics/student.js';
import type { CacheKey } from '../../storage/cache-entry.js';
import type { WorkParts } from '../../storage/work-journal.js';
import { datasetRecord } from '../dataset-record.js';
import type { ModelAndStream, PerplexityRequest } from './cells.js';
import { errorsOfTexts, warnOfUnits } from './errors-over-text.js';
import { estimatorOf } from './estimator.js';
import { likelihoodOf, likelihoodRecord, usesSeed } from './exact-likelihood.js';
import { type LossJournal, openLossJournal } from './loss-journal.js';
import { LossSession } from './loss-session.js';
import { PolicySession } from './policy-session.js';
import type { PerplexityResult } from './record.js';
import {
  evaluateSequences,
  type LossSink,
  type PerplexityEstimate,
  type PerplexityOptions,
  zeroShotPerplexity,
} from './zero-shot-perplexity.js';

/** Increased whenever the same protocol name would give another figure. 2: errors are over units of text, and --limit spreads. */
const PROTOCOL_VERSION = 2;

export interface PerplexityRun {
  results: ResultsFile<PerplexityResult>;
  /** Removes what was kept to continue the run, once the results are written. */
  finish(): void;
  /** Keeps it for a later run, when the results are not written. */
  close(): void;
}

/** What a run reports while it goes on. */
export interface RunSinks {
  /** The loss of a sequence in a draw. */
  sequence?: (record: SequenceRecord) => void;
  /**
   * Receives the result of a model on a stream, with errors of its own. Its journal is removed once this has stored the result. What
   * depends on several rows, such as comparisons, is then left to whoever joins them.
   */
  evaluated?: (result: PerplexityResult, stream: PackedStream) => Promise<void>;
}

/** One line of `--log-sequences`. */
export interface SequenceRecord {
  model: string;
  dataset: string;
  /** Place in the packed stream. */
  sequence: number;
  draw: number;
  /** Time and signal level of the draw; null for ar. */
  t: number | null;
  alpha: number | null;
  tokens: number;
  nats: number;
  /** Exact likelihood under a policy: positions call by call, ascending within one. */
  order?: readonly number[];
  /** Likewise: ln p of each position's token; null where it is not scored. */
  logProbability?: readonly (number | null)[];
}

/** Evaluates the cells, model by model, and compares the models on each data set. */
export async function runPerplexity(
  request: PerplexityRequest,
  cells: readonly ModelAndStream[],
  observer: Observer & RunSinks,
): Promise<PerplexityRun> {
  const evaluated: Evaluated[] = [];
  const journals = new Map<string, LossJournal>();
  warnOfFirst(cells, request.options, observer);
  let results: ResultsFile<PerplexityResult>;
  try {
    const inOrder = request.checkpoints.map((checkpoint) => ({
      checkpoint,
      streams: cells.filter((cell) => cell.checkpoint === checkpoint).map(({ stream }) => stream),
    }));
    const parts = partsOf(
      inOrder.flatMap(({ streams }) =>
        streams.map((stream) => evaluatedOf(stream, request.options) * stream.length),
      ),
    );
    for (const { checkpoint, streams } of inOrder) {
      const own = parts.splice(0, streams.length);
      const observers = own.map((part) => (cells.length > 1 ? partOf(observer, part) : observer));
      await evaluateModel(checkpoint, streams, request, observers, { evaluated, journals });
    }
    // Rows are grouped by data set, since a reader compares models.
    const order = [...new Set(cells.map(({ stream }) => stream.name))];
    evaluated.sort((a, b) => order.indexOf(a.stream.name) - order.indexOf(b.stream.name));
    noteOtherStreams(evaluated, observer);
    const { results: rows, comparisons } = observer.evaluated
      ? { results: evaluated.map(({ result }) => result), comparisons: [] }
      : errorsOfTexts(evaluated.map(({ result, estimate }) => ({ result, losses: estimate.losses })));
    warnOfUnits(rows, observer);
    results = resultsFile(rows, comparisons);
  } catch (error) {
    for (const journal of journals.values()) journal.close();
    throw error;
  } finally {
    for (const { estimate } of evaluated) estimate.losses.close();
  }
  return {
    results,
    finish: () => {
      for (const journal of journals.values()) journal.finish();
    },
    close: () => {
      for (const journal of journals.values()) journal.close();
    },
  };
}

/**
 * Evaluates some sequences of a model on a stream, in all draws. Their losses stay in a journal until runPerplexity, on any machine with
 * the same cache, joins all of them. @throws as runPerplexity
 */
export async function runPerplexityPart(
  request: PerplexityRequest,
  { checkpoint, stream }: ModelAndStream,
  parts: Required<WorkParts>,
  observer: Observer,
): Promise<void> {
  const { options, fresh } = request;
  const session = request.session ?? (await sourceOf(checkpoint, [stream], request, observer));
  try {
    const key = await lossKey(checkpoint, stream, options, session.provider);
    const journal = await openLossJournal(session, key, {
      sequences: evaluatedOf(stream, options),
      fresh,
      parts,
    });
    try {
      await evaluateSequences(journal, stream, options, parts.range, observer);
      checkpoint.verifyUnchanged();
    } finally {
      journal.close();
    }
  } finally {
    if (!request.session) await session.close();
  }
}

/** A model on a data set. */
interface Evaluated {
  stream: PackedStream;
  estimate: PerplexityEstimate;
  result: PerplexityResult;
}

/** Notes which models saw different streams of one data set, and so are not compared. */
function noteOtherStreams(evaluated: readonly Evaluated[], { note }: Observer): void {
  for (const [i, a] of evaluated.entries()) {
    for (const b of evaluated.slice(i + 1)) {
      if (a.stream.name !== b.stream.name || a.stream.sha256 === b.stream.sha256) continue;
      const [first, second] = [a, b].map(({ result }) => result.model.name);
      note?.(
        `${first} and ${second} are not compared on ${a.stream.name}: their packed streams differ (tokenizer or length).`,
      );
    }
  }
}

/** Evaluates one model on its data sets, each with an observer of its own. Adds to `evaluated` and `journals`, which the caller closes. */
async function evaluateModel(
  checkpoint: Checkpoint,
  streams: readonly PackedStream[],
  request: PerplexityRequest,
  observers: readonly (Observer & RunSinks)[],
  { evaluated, journals }: { evaluated: Evaluated[]; journals: Map<string, LossJournal> },
): Promise<void> {
  const { options } = request;
  const session = request.session ?? (await sourceOf(checkpoint, streams, request, observers[0]));
  try {
    for (const [i, stream] of streams.entries()) {
      const observer = observers[i];
      const key = await lossKey(checkpoint, stream, options, session.provider);
      // The same model under another name was just evaluated: its losses are reused.
      const twin = journals.get(JSON.stringify(key));
      twin?.close();
      const journal = await openLossJournal(session, key, {
        sequences: evaluatedOf(stream, options),
        fresh: request.fresh && twin === undefined,
        parts: request.parts,
      });
      journals.set(JSON.stringify(key), journal);
      if (twin === undefined && journal.resumed > 0) {
        observer.note?.(
          `${checkpoint.name} on ${stream.name}: continuing; ${journal.resumed} sequences were finished by an earlier run.`,
        );
      }
      const estimate = await zeroShotPerplexity(journal, stream, options, {
        progress: (_work, done, total) =>
          observer.progress?.(`${checkpoint.name} on ${stream.name}`, done, total),
        onLoss: observer.sequence && logLosses(observer.sequence, checkpoint.name, stream, options),
        signal: observer.signal,
      });
      estimate.wallSeconds += journal.earlierSeconds;
      checkpoint.verifyUnchanged();
      warnAbout(checkpoint, stream, estimate, options, observer);
      const result = await resultOf(session, stream, estimate, options);
      evaluated.push({ stream, estimate, result });
      // Another process may read it, and two processes that go through the same work in other orders do not wait for each other.
      journal.close();
      if (observer.evaluated) {
        await observer.evaluated(result, stream);
        journals.delete(JSON.stringify(key));
        journal.finish();
      }
    }
  } finally {
    if (!request.session) await session.close();
  }
}

/** The network with its family's loss, or with an unmasking policy. @throws ModelError as the session */
function sourceOf(
  checkpoint: Checkpoint,
  [{ length }]: readonly PackedStream[],
  request: PerplexityRequest,
  { warn: notice, signal }: Observer,
): Promise<LossSession | PolicySession> {
  const { options } = request;
  const likelihood = likelihoodOf(checkpoint, options);
  return likelihood === null
    ? LossSession.start({ checkpoint, ...request, notice })
    : PolicySession.start(
        { checkpoint, ...request, notice, signal },
        likelihood,
        batchOf(checkpoint, length, options.batch),
      );
}

/** Everything that determines the loss of a (sequence, draw). Batch, threads and the number of draws do not. */
export async function lossKey(
  checkpoint: Checkpoint,
  stream: PackedStream,
  options: PerplexityOptions,
  provider: Provider,
): Promise<CacheKey> {
  const { protocol, seed, selection = null } = options;
  const estimator = estimatorOf(options.estimator, checkpoint.family);
  const likelihood = likelihoodOf(checkpoint, options);
  return {
    losses: PROTOCOL_VERSION,
    model: await checkpoint.sha256(),
    ...decidingFields(checkpoint),
    stream: stream.sha256,
    length: stream.length,
    wrapped: stream.wrapped,
    sequences: evaluatedOf(stream, { selection }),
    selection: selectedSequences(stream, selection).selection?.kind ?? null,
    protocol,
    ...(likelihood === null
      ? { estimator, seed }
      : { likelihood: { ...likelihood }, seed: usesSeed(checkpoint, options) ? seed : null }),
    provider,
  };
}

/** Sequences that are evaluated. */
export function evaluatedOf(
  { sequences }: Pick<PackedStream, 'sequences'>,
  { selection }: Pick<PerplexityOptions, 'selection'>,
): number {
  return Math.min(sequences, selection?.count ?? sequences);
}

function logLosses(
  log: (record: SequenceRecord) => void,
  model: string,
  stream: PackedStream,
  { selection = null }: PerplexityOptions,
): LossSink {
  const { indexOf } = selectedSequences(stream, selection);
  const dataset = stream.name;
  return ({ sequence: place, draw, nats, path }, { level }, tokens) => {
    const [t, alpha] = [level?.t ?? null, level?.alpha ?? null];
    log({ model, dataset, sequence: indexOf(place), draw, t, alpha, tokens, nats, ...path });
  };
}

/** Once per data set, before the run: models of other lengths may have other counts. */
function warnOfFirst(
  cells: readonly ModelAndStream[],
  { selection }: PerplexityOptions,
  observer: Observer,
): void {
  if (selection?.kind !== 'first') return;
  const cut = cells.filter(({ stream }) => selection.count < stream.sequences);
  const warnings = cut.map(
    ({ stream: { name, sequences } }) =>
      `${name}: the first ${selection.count} of ${sequences} sequences are not a random sample of the data set. --limit spreads as many over it.`,
  );
  for (const warning of new Set(warnings)) observer.warn?.(warning);
}

function warnAbout(
  checkpoint: Checkpoint,
  stream: PackedStream,
  { metrics, mcDegreesOfFreedom }: PerplexityEstimate,
  { until }: PerplexityOptions,
  observer: Observer,
): void {
  const { mcStderr } = metrics.nll;
  const reached = mcStderr && studentQuantile95(mcDegreesOfFreedom ?? 0) * mcStderr;
  if (until !== null && (reached === null || reached > until)) {
    const how = reached === null ? 'cannot be told' : `is ${reached.toPrecision(2)}`;
    observer.warn?.(
      `${checkpoint.name} on ${stream.name}: --until ${until} was not reached; half the 95% interval over draws ${how}. Give more --draws.`,
    );
  }
}

async function resultOf(
  session: LossSession | PolicySession,
  stream: PackedStream,
  estimate: PerplexityEstimate,
  options: PerplexityOptions,
): Promise<PerplexityResult> {
  const { checkpoint } = session;
  const { metrics, wallSeconds, tokens, sequences, modelCalls } = estimate;
  const exact = estimate.estimator === 'exact';
  const likelihood = likelihoodOf(checkpoint, options);
  return {
    eval: 'ppl',
    model: {
      name: checkpoint.name,
      family: checkpoint.family,
      sha256: await checkpoint.sha256(),
      path: checkpoint.path,
      trainedOn: checkpoint.fields.trainedOn.value,
    },
    dataset: {
      ...datasetRecord(stream),
      limit: options.selection?.count ?? null,
      selection: selectedSequences(stream, options.selection ?? null).selection?.kind ?? null,
    },
    protocol: {
      name: options.protocol,
      version: PROTOCOL_VERSION,
      length: stream.length,
      tokenizerSha256: stream.tokenizerSha256,
      bosTokenId: stream.bosTokenId,
      eosTokenId: stream.eosTokenId,
      timeRange: exact ? null : timesAveraged(options.protocol, checkpoint.schedule),
      draws: exact ? null : estimate.draws,
      estimator: estimate.estimator,
      seed: usesSeed(checkpoint, options) ? options.seed : null,
      integration: estimate.integration?.description ?? null,
      randomizations: estimate.randomizations,
      mcDegreesOfFreedom: estimate.mcDegreesOfFreedom,
      until: options.until,
      ...(likelihood && likelihoodRecord(likelihood, checkpoint)),
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
      ...environmentOf(session),
      batch: estimate.batch,
    },
    ...(estimate.bySequence && { sequences: estimate.bySequence }),
  };
}
