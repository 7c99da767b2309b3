/**
 * What a perplexity run evaluates: every pair of a model and a data set, with its packed stream, opened and checked before
 * any model runs.
 */
import { packDataset } from '../../datasets/pack-dataset.js';
import { type PackedStream, skippedRowsSaid } from '../../datasets/packed-stream.js';
import { droppedNotice, wrappingNotice } from '../../datasets/packing-notices.js';
import { type DatasetRequest, eachDataset, resolveDataset } from '../../datasets/resolve-dataset.js';
import type { TextSource } from '../../datasets/text-source.js';
import type { Tokenizer } from '../../datasets/tokenizer.js';
import { ModelError, UsageError } from '../../errors.js';
import { blockProblem } from '../../models/architectures/dimensions.js';
import { type Checkpoint, checkReadsSequences } from '../../models/checkpoint.js';
import { hasBlocks } from '../../models/family.js';
import { checkMemory } from '../../models/memory-budget.js';
import { checkPositions } from '../../models/positions.js';
import type { Placement } from '../../models/provider.js';
import type { Observer } from '../../observer.js';
import { tokenizerOf } from '../../sampling/prepare-sampling.js';
import type { WorkParts } from '../../storage/work-journal.js';
import { checkEstimator } from './estimator.js';
import { checkLikelihood } from './exact-likelihood.js';
import type { LossSession } from './loss-session.js';
import type { KnownOrders } from './policy-session.js';
import type { PerplexityOptions } from './zero-shot-perplexity.js';

export interface PerplexityRequest {
  checkpoints: readonly Checkpoint[];
  datasets: readonly DatasetRequest[];
  /** Overrides the tokenizers of the checkpoints. */
  tokenizer?: string;
  length?: number;
  options: PerplexityOptions;
  provider: Placement;
  threads?: number;
  timeoutMs?: number;
  /** Ignores what an earlier, interrupted run finished. */
  fresh: boolean;
  /** Of the only checkpoint; by default one is started, and closed in the end. */
  session?: LossSession;
  /** Joins what was found in parts for the same purpose; by default nothing. */
  parts?: WorkParts;
  /** Shared by runs that ask for several figures over all orders. */
  knownOrders?: KnownOrders;
}

/** A model and a data set, opened. */
export interface ModelAndStream {
  checkpoint: Checkpoint;
  stream: PackedStream;
}

/** Opens every model's tokenizer and every data set's packed stream. The caller closes the streams. */
export async function prepareCells(
  request: PerplexityRequest,
  observer: Observer,
): Promise<ModelAndStream[]> {
  const sources: TextSource[] = [];
  for (const one of eachDataset(request.datasets)) sources.push(await resolveDataset(one));
  checkDistinct(sources);
  const tokenizers = new Map<string, Tokenizer>();
  const cells: ModelAndStream[] = [];
  for (const checkpoint of request.checkpoints) {
    checkEstimator(request.options.estimator, checkpoint);
    const tokenizer = await sharedTokenizer(checkpoint, request.tokenizer, tokenizers);
    const length = sequenceLength(checkpoint, request.length, observer);
    checkPositions(checkpoint, length);
    if (hasBlocks(checkpoint)) checkBlocks(checkpoint.blockSize, length);
    checkMemory(checkpoint, { length: hasBlocks(checkpoint) ? 2 * length : length });
    const wrapping = wrappingNotice(tokenizer, length);
    if (wrapping !== null) observer.note?.(`${checkpoint.name}: ${wrapping}`);
    const { fixedBatch } = checkpoint.signature;
    if (fixedBatch !== null && fixedBatch !== request.options.batch) {
      observer.note?.(
        `${checkpoint.name}: its graph takes ${fixedBatch} sequences per call, so that is the batch.`,
      );
    }
    for (const source of sources) {
      const stream = await packDataset({
        source,
        tokenizer,
        length,
        protocol: request.options.protocol,
        keepRemainder: checkpoint.signature.fixedLength === null,
        onProgress: (done, total) => observer.progress?.(`packing ${source.name}`, done, total),
        signal: observer.signal,
      });
      const dropped = droppedNotice(stream);
      if (dropped !== null) observer.warn?.(dropped);
      const skipped = skippedRowsSaid(stream);
      if (skipped !== null) observer.note?.(skipped);
      cells.push({ checkpoint, stream });
      checkLikelihood(checkpoint, stream, request.options.likelihood);
    }
  }
  return cells;
}

/** Each row needs a unique name. @throws UsageError */
function checkDistinct(sources: readonly TextSource[]): void {
  const names = sources.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new UsageError({
    code: 'duplicate-dataset-name',
    message: `Two data sets are called "${twice}".`,
    hint: 'Name them: --dataset first=path --dataset second=path',
  });
}

/** The tokenizer of a model, loaded once for models that share it. */
async function sharedTokenizer(
  checkpoint: Checkpoint,
  override: string | undefined,
  loaded: Map<string, Tokenizer>,
): Promise<Tokenizer> {
  const { tokenizer, bosTokenId, eosTokenId } = checkpoint.fields;
  const key = JSON.stringify([override ?? tokenizer.value, bosTokenId.value, eosTokenId.value]);
  const known = loaded.get(key) ?? (await tokenizerOf(checkpoint, override));
  loaded.set(key, known);
  return known;
}

/** L: the flag, else the graph's own, else the card's, else the published protocol's 1,024. */
function sequenceLength(checkpoint: Checkpoint, wanted: number | undefined, observer: Observer): number {
  checkReadsSequences(checkpoint);
  const { name, signature } = checkpoint;
  const length = checkpoint.fields.length.value;
  const fixed = signature.fixedLength;
  const asked = wanted ?? length ?? fixed ?? DEFAULT_LENGTH;
  if (fixed === null) {
    if (length !== null && asked > length) {
      observer.warn?.(`${name} was trained with sequences of ${length} tokens; ${asked} were asked for.`);
    }
    return asked;
  }
  if (fixed < asked)
    observer.note?.(`${name}: its graph takes ${fixed} tokens per sequence, so that is the length.`);
  if (fixed > asked) {
    throw new ModelError({
      code: 'fixed-length',
      message: `The graph of ${name} takes exactly ${fixed} tokens per sequence; ${asked} were asked for.`,
      hint: `Give --length ${fixed}, or export the model with a dynamic length.`,
    });
  }
  return fixed;
}

/** @throws UsageError `blocks-do-not-divide` */
function checkBlocks(blockSize: number, length: number): void {
  const problem = blockProblem(blockSize, length);
  if (problem) throw new UsageError({ ...problem, hint: `Give --length a multiple of ${blockSize}.` });
}

const DEFAULT_LENGTH = 1024;
