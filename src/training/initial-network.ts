/**
 * What `train --init` starts from: a transformer of the reference's kinds, told the noise level or causal, for a family of the same
 * kind, or the weights of an imported decoder, with the attention that the family to be trained needs. An
 * autoregressive network keeps its own; masks and uniform states are seen from both sides, or block by block (Gong et al.,
 * arXiv 2410.17891, train masked models from autoregressive ones in this way, with the rows of their logits shifted by one).
 */
import { DataError, UsageError } from '../errors.js';
import {
  type DecoderAttention,
  type DecoderDimensions,
  decoderParameters,
  EMBEDDING,
  HEAD,
} from '../models/architectures/decoder-dimensions.js';
import type { Dimensions } from '../models/architectures/dimensions.js';
import type { ArchitectureName } from '../models/architectures/names.js';
import { elementCount, networkParameters, type Parameter } from '../models/architectures/parameters.js';
import { type Checkpoint, openCheckpoint } from '../models/checkpoint.js';
import { type Family, isInBlocks, isMasked, isMixed, isUniformState, usesMask } from '../models/family.js';
import { openTokenizer } from '../models/importers/tokenizer-copy.js';
import { decoderWeights, transformerName, transformerWeights } from '../models/weights/checkpoint-weights.js';

export interface InitialRequest {
  /** The checkpoint. */
  init: string;
  family: Family;
  tokenizer: string;
  /** Tokens per sequence. */
  length: number;
  blockSize?: number;
  /** The logits of a token are read from the row before it. */
  shift: boolean;
}

export interface InitialNetwork {
  /** Null: a transformer of the reference's kinds, of these dimensions. */
  decoder: DecoderDimensions | null;
  dimensions: Pick<Dimensions, 'hiddenSize' | 'conditionSize' | 'blocks' | 'heads' | 'vocabSize'>;
  /** All parameters in order. */
  weights: Float32Array;
  maskTokenId: number | null;
  /** Logits from here on are padding; null: none are. */
  textVocabSize: number | null;
  /** Positions that its card says were never masked; of families without masks, nothing. */
  neverMasked?: readonly number[];
  /** SHA-256 of the checkpoint. */
  digest: string;
}

/** @throws ModelError `foreign-network` and as openCheckpoint, DataError, UsageError */
export async function initialNetwork(request: InitialRequest): Promise<InitialNetwork> {
  const checkpoint = await openCheckpoint(request.init);
  const name = transformerName(checkpoint);
  const { known } = await openTokenizer(request.tokenizer);
  return name === null
    ? ofDecoder(request, checkpoint, known)
    : ofTransformer(request, checkpoint, name, known);
}

type Known = Awaited<ReturnType<typeof openTokenizer>>['known'];

/** @throws DataError, UsageError for another tokenizer, or texts longer than the network reads */
function checkFits(
  request: InitialRequest,
  known: Known,
  before: { vocabSize: number; length: number },
): void {
  const { length } = request;
  if (known.size > before.vocabSize) {
    throw new DataError({
      code: 'tokenizer-of-another-model',
      message: `The tokenizer ${request.tokenizer} has ${known.size} tokens, ${request.init} only ${before.vocabSize}.`,
      hint: 'Give the tokenizer that the model was trained with: --tokenizer.',
    });
  }
  if (length > before.length) {
    throw new UsageError({
      code: 'length-past-model',
      message: `${request.init} has positions for ${before.length} tokens, and --length asks for ${length}.`,
      hint: `Use --length ${before.length} or less.`,
    });
  }
}

/** @throws UsageError `init-of-another-kind`, and as checkFits */
async function ofTransformer(
  request: InitialRequest,
  checkpoint: Checkpoint,
  name: ArchitectureName,
  known: Known,
): Promise<InitialNetwork> {
  const { family, init, shift } = request;
  if ((family === 'ar') !== (name === 'causal') || shift) {
    throw new UsageError({
      code: 'init-of-another-kind',
      message: shift
        ? `--shift is for networks that predicted next tokens before; that of ${init} keeps its rows.`
        : `${init} ${name === 'causal' ? 'is causal and is told no noise level' : 'sees all tokens and is told the noise level'}: a model of the family ${family} is not.`,
      hint: shift ? 'Leave --shift out.' : 'Start from a model of the same kind, or from a decoder.',
    });
  }
  const { dimensions: before, weights } = transformerWeights(checkpoint, name);
  checkFits(request, known, before);
  const digest = await checkpoint.sha256();
  const maskTokenId = usesMask(family) ? (known.maskTokenId ?? known.size) : null;
  const { neverMasked } = checkpoint;
  const rest = { decoder: null, digest, ...(isMasked(family) && neverMasked.length > 0 && { neverMasked }) };
  const vocabSize = Math.max(before.vocabSize, (maskTokenId ?? 0) + 1);
  const masks = maskTokenId !== null && maskTokenId >= known.size ? 1 : 0;
  const cuts = !isUniformState(family) && !isMixed(family) && known.size + masks < before.vocabSize;
  return {
    ...rest,
    dimensions: { ...before, vocabSize },
    weights: vocabSize === before.vocabSize ? weights : withMaskOf(before, weights),
    maskTokenId,
    textVocabSize: cuts ? known.size : null,
  };
}

/** @throws DataError, UsageError */
async function ofDecoder(
  request: InitialRequest,
  checkpoint: Checkpoint,
  known: Known,
): Promise<InitialNetwork> {
  const { family, length, blockSize, shift } = request;
  const found = decoderWeights(checkpoint);
  const digest = await checkpoint.sha256();
  const { dimensions: before } = found;
  checkFits(request, known, before);
  if (shift && (family === 'ar' || isInBlocks(family))) {
    throw new UsageError({
      code: 'shift-of-denoisers',
      message: `--shift is for families that see a whole text: ${family} does not.`,
      hint: 'Leave --shift out.',
    });
  }
  const attention: DecoderAttention =
    family === 'ar' ? 'causal' : blockSize === undefined ? 'full' : { blockCausal: blockSize };
  // A network whose logits come from the row before keeps that, but where it sees no later token.
  const keepsShift = shift || (attention !== 'causal' && before.shift === true);
  const { window, ...wide } = before;
  const kept: DecoderDimensions = {
    ...{ ...wide, length, attention, shift: keepsShift },
    ...(attention === 'causal' && window && { window }),
  };
  const text = Math.min(known.size, checkpoint.textVocabSize ?? known.size);
  const hasAnyToken = isUniformState(family) || isMixed(family);
  const padded = text < before.vocabSize && !hasAnyToken ? text : null;
  const sizes = { ...sizesOf(kept) };
  if (!usesMask(family)) {
    return {
      decoder: kept,
      dimensions: sizes,
      weights: found.weights,
      maskTokenId: null,
      textVocabSize: padded,
      digest,
    };
  }
  const maskTokenId = known.maskTokenId ?? known.size;
  const { neverMasked } = checkpoint;
  const given = isMasked(family) && neverMasked.length > 0 ? { neverMasked } : {};
  if (maskTokenId < before.vocabSize) {
    return {
      ...{ decoder: kept, dimensions: sizes, weights: found.weights, maskTokenId, textVocabSize: padded },
      ...given,
      digest,
    };
  }
  const weights = withMask(before, found.weights);
  const { embeddingRows = 0, ...rest } = kept;
  const vocabSize = maskTokenId + 1;
  const decoder = { ...rest, vocabSize, ...(embeddingRows > vocabSize && { embeddingRows }) };
  const textVocabSize = hasAnyToken ? null : checkpoint.textVocabSize;
  return { decoder, dimensions: sizesOf(decoder), weights, maskTokenId, textVocabSize, ...given, digest };
}

const sizesOf = ({
  hiddenSize,
  blocks,
  heads,
  vocabSize,
}: DecoderDimensions): InitialNetwork['dimensions'] => ({
  ...{ hiddenSize, blocks, heads, vocabSize },
  conditionSize: 0,
});

/** The same for a transformer of the reference's kinds, whose head has a bias. */
function withMaskOf(before: Dimensions, weights: Float32Array): Float32Array {
  let at = 0;
  const parts = networkParameters(before, { adaLN: true }).flatMap((parameter) => {
    const part = weights.subarray(at, at + elementCount(parameter));
    at += part.length;
    switch (parameter.name) {
      case EMBEDDING:
        return [part, meanRow(part, before.hiddenSize)];
      case `${HEAD}.weight`:
        return [withColumn(parameter, part)];
      case `${HEAD}.bias`:
        return [part, new Float32Array(1)];
      default:
        return [part];
    }
  });
  return joined(parts);
}

/**
 * One token more, the mask: its embedding is the mean of all others, and its logit, which never counts, is 0. A network whose
 * embedding has such a row already keeps it.
 */
function withMask(before: DecoderDimensions, weights: Float32Array): Float32Array {
  const { hiddenSize: d, vocabSize, embeddingRows = vocabSize } = before;
  const parts: Float32Array[] = [];
  let at = 0;
  for (const parameter of decoderParameters(before)) {
    const part = weights.subarray(at, at + elementCount(parameter));
    at += part.length;
    if (parameter.name === EMBEDDING && embeddingRows === vocabSize) parts.push(part, meanRow(part, d));
    else if (parameter.name === `${HEAD}.weight`) parts.push(withColumn(parameter, part));
    else parts.push(part);
  }
  return joined(parts);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let to = 0;
  for (const part of parts) {
    all.set(part, to);
    to += part.length;
  }
  return all;
}

function meanRow(rows: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) sums[i % width] += rows[i];
  return Float32Array.from(sums, (sum) => (sum * width) / rows.length);
}

function withColumn({ dims: [rows, columns] }: Pick<Parameter, 'dims'>, matrix: Float32Array): Float32Array {
  const wider = new Float32Array(rows * (columns + 1));
  for (let row = 0; row < rows; row++)
    wider.set(matrix.subarray(row * columns, (row + 1) * columns), row * (columns + 1));
  return wider;
}
