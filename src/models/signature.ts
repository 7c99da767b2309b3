/**
 * The signature of a checkpoint: which inputs it takes, the type and width of its logits, and what its graph fixes.
 * Everything that follows from names, types and shapes is read here.
 */
import { ModelError } from '../errors.js';
import type { DType } from '../graph/dtype.js';
import type { Graph } from '../graph/graph.js';
import type { Shape } from '../graph/messages.js';
import type { Family } from './family.js';

export interface TensorSignature {
  name: string;
  dtype: DType | null;
  shape: Shape | null;
}

export interface Signature {
  inputs: TensorSignature[];
  outputs: TensorSignature[];
  /** The noise level's input: one number per sequence, as [batch] or [batch, 1]; null if the model takes none. */
  sigma: { rank: 1 | 2 } | null;
  attentionMask: TensorSignature | null;
  positionIds: TensorSignature | null;
  /** BERT's segment of each token; fed 0, the first segment. Block diffusion: 0 for noisy tokens, 1 for clean ones. */
  tokenTypeIds: TensorSignature | null;
  /** Cached keys and values, fed empty when a whole sequence is scored at once. */
  pastKeyValues: TensorSignature[];
  /** Exporters' merged decoders choose their branch by this input. */
  useCacheBranch: boolean;
  logits: {
    dtype: 'float32' | 'float16';
    /** Width of the last axis; null if the graph leaves it open. */
    width: number | null;
  };
  /** Rows of the table that `input_ids` are looked up in; null if the graph does not show it. */
  embeddingRows: number | null;
  /** Sequences per call that the graph requires; null if any number. */
  fixedBatch: number | null;
  /** Tokens per sequence that the graph requires; null if any number. */
  fixedLength: number | null;
}

/** A larger fixed axis means a damaged file: no batch or sequence of that size could be fed. */
const LARGEST_AXIS = 2 ** 24;
const PAST = /^past_key_values\./;

/** @throws ModelError `no-logits`, `no-input-ids`, `unknown-input`, `input-type`, `implausible-shape` */
export function readSignature(graph: Graph, path: string): Signature {
  const { inputs, outputs } = graph;
  const find = (list: readonly TensorSignature[], name: string) =>
    list.find((tensor) => tensor.name === name) ?? null;

  const ids = find(inputs, 'input_ids');
  if (!ids) {
    throw new ModelError({
      code: 'no-input-ids',
      message: `${path} has no input "input_ids"; its inputs are: ${names(inputs)}.`,
      hint: 'Export the model with the token ids as an int64 input of that name, [batch, length].',
    });
  }
  expectType(path, ids, ['int64']);
  expectRank(path, ids, [2]);

  const logits = find(outputs, 'logits');
  if (!logits) {
    throw new ModelError({
      code: 'no-logits',
      message: `${path} has no output "logits"; its outputs are: ${names(outputs)}.`,
      hint: 'Export the model with the scores of the next or clean token as an output of that name, [batch, length, vocabulary].',
    });
  }
  expectType(path, logits, ['float32', 'float16']);
  expectRank(path, logits, [3]);

  const sigma = find(inputs, 'sigma');
  if (sigma) {
    expectType(path, sigma, ['float32']);
    expectRank(path, sigma, [1, 2]);
  }
  const attentionMask = find(inputs, 'attention_mask');
  const positionIds = find(inputs, 'position_ids');
  const tokenTypeIds = find(inputs, 'token_type_ids');
  const useCacheBranch = find(inputs, 'use_cache_branch');
  const pastKeyValues = inputs.filter(({ name }) => PAST.test(name));
  const known = new Set([
    ids,
    sigma,
    attentionMask,
    positionIds,
    tokenTypeIds,
    useCacheBranch,
    ...pastKeyValues,
  ]);
  const unknown = inputs.find((input) => !known.has(input) || /encoder/.test(input.name));
  if (unknown && /encoder/.test(unknown.name)) {
    throw new ModelError({
      code: 'unknown-input',
      message: `${path} has an input "${unknown.name}": it is the decoder of a model that reads another text with an encoder.`,
      hint: 'Such models answer texts and do not model them; give a decoder-only model, or an encoder of masked tokens.',
    });
  }
  if (unknown) {
    throw new ModelError({
      code: 'unknown-input',
      message: `${path} has an input "${unknown.name}" that this program cannot feed.`,
      hint: 'It feeds input_ids, sigma, attention_mask, position_ids, token_type_ids and past_key_values.*; export the model without others.',
    });
  }
  if (attentionMask) expectType(path, attentionMask, ['int64', 'int32', 'float32', 'bool']);
  for (const each of [positionIds, tokenTypeIds]) if (each) expectType(path, each, ['int64', 'int32']);
  for (const past of pastKeyValues) {
    expectType(path, past, ['float32', 'float16']);
    expectRank(path, past, [4]);
  }

  return {
    inputs,
    outputs,
    sigma: sigma ? { rank: sigma.shape?.length === 2 ? 2 : 1 } : null,
    attentionMask,
    positionIds,
    tokenTypeIds,
    pastKeyValues,
    useCacheBranch: useCacheBranch !== null,
    logits: { dtype: logits.dtype as 'float32' | 'float16', width: fixedAxis(path, logits, 2) },
    embeddingRows: embeddingRows(graph),
    fixedBatch: fixedAxis(path, ids, 0) ?? (sigma ? fixedAxis(path, sigma, 0) : null),
    fixedLength: fixedAxis(path, ids, 1),
  };
}

/** The family, if the inputs show it: only decoders take cached keys and values. (Encoders take a mask and positions too.) */
export function detectFamily(signature: Signature): Family | null {
  return signature.sigma === null && signature.pastKeyValues.length > 0 ? 'ar' : null;
}

function embeddingRows({ proto: { node, initializer } }: Graph): number | null {
  const lookup = node.find(({ opType, input }) => opType === 'Gather' && input[1] === 'input_ids');
  const table = lookup && initializer.find(({ name }) => name === lookup.input[0]);
  return table?.dims.length === 2 ? Number(table.dims[0]) : null;
}

/** The fixed length of an axis; null if it is named, unnamed, or given as 0 or -1. */
function fixedAxis(path: string, tensor: TensorSignature, axis: number): number | null {
  const size = tensor.shape?.[axis];
  if (typeof size !== 'number' || size <= 0) return null;
  if (size > LARGEST_AXIS) {
    throw new ModelError({
      code: 'implausible-shape',
      message: `${path}: "${tensor.name}" declares the shape [${tensor.shape}], which no model can have.`,
      hint: 'The file is damaged: download or export it again.',
    });
  }
  return size;
}

function expectType(path: string, tensor: TensorSignature, types: readonly DType[]): void {
  if (tensor.dtype && types.includes(tensor.dtype)) return;
  throw new ModelError({
    code: 'input-type',
    message: `${path}: "${tensor.name}" has the type ${tensor.dtype ?? 'unknown'}, not ${types.join(' or ')}.`,
    hint: 'Export the model again with that type.',
  });
}

function expectRank(path: string, tensor: TensorSignature, ranks: readonly number[]): void {
  if (!tensor.shape || ranks.includes(tensor.shape.length)) return;
  throw new ModelError({
    code: 'tensor-rank',
    message: `${path}: "${tensor.name}" has the shape [${tensor.shape}], which is not of ${ranks.join(' or ')} axes.`,
    hint: 'Token ids are [batch, length], logits [batch, length, vocabulary], sigma [batch].',
  });
}

function names(tensors: readonly TensorSignature[]): string {
  return tensors.map(({ name }) => `"${name}"`).join(', ') || 'none';
}
