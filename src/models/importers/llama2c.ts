/**
 * llama2.c's first file format: seven numbers, then all weights as float32 in a fixed order, without names. So only the
 * size can be checked, to the byte.
 */
import { closeSync, fstatSync } from 'node:fs';
import { ModelError } from '../../errors.js';
import { decoderGraph } from '../architectures/decoder.js';
import { type DecoderDimensions, decoderParameters } from '../architectures/decoder-dimensions.js';
import type { Card } from '../card.js';
import type { WeightSource } from '../weights/weight-source.js';
import type { ImportedModel } from './imported-model.js';
import { neighboursToHalves, transposedChunks } from './layouts.js';
import { countOf, elementsOf, fill, openOrFail, type StoredTensor } from './stored-tensor.js';

const HEADER_BYTES = 28;
/** The token between texts in training, at which the original program stops. */
const BOUNDARY = 1;

/** @throws ModelError `broken-llama2c` */
export function llama2cModel(path: string): ImportedModel {
  const dimensions = readDimensions(path);
  const { heads, keyValueHeads, headSize, vocabSize, length, ...rest } = dimensions;
  const tensors = layOut(path, dimensions);
  const order = {
    attn_q: neighboursToHalves(heads, headSize),
    attn_k: neighboursToHalves(keyValueHeads, headSize),
  };
  const source: WeightSource = (parameter) => {
    const tensor = tensors.get(parameter.name)!; // layOut has every parameter of this architecture
    const part = /\.(attn_[qk])\.weight$/.exec(parameter.name)?.[1] as keyof typeof order | undefined;
    return parameter.transposed ? transposedChunks(tensor, part ? order[part] : null) : elementsOf(tensor);
  };
  const card: Card = {
    family: 'ar',
    vocabSize,
    length,
    bosTokenId: BOUNDARY,
    eosTokenId: BOUNDARY,
    timeConditioning: false,
    architecture: { name: 'decoder', heads, keyValueHeads, headSize, ...rest },
  };
  return {
    parameters: decoderParameters(dimensions),
    graph: (options) => decoderGraph(dimensions, options),
    source,
    card,
    notices: [],
  };
}

/** Size of its vocabulary. @throws ModelError */
export const llama2cVocabulary = (path: string): number => readDimensions(path).vocabSize;

function readDimensions(path: string): DecoderDimensions {
  const file = openOrFail(path);
  const head = Buffer.alloc(HEADER_BYTES);
  let size: number;
  try {
    size = fstatSync(file).size;
    if (size < HEADER_BYTES) throw brokenFile(path, `it has ${size} bytes, fewer than its header`);
    fill(file, path, head, 0);
  } finally {
    closeSync(file);
  }
  const [hiddenSize, mlpSize, blocks, heads, keyValueHeads, vocab, length] = Array.from(
    { length: 7 },
    (_, i) => head.readInt32LE(4 * i),
  );
  const vocabSize = Math.abs(vocab);
  const tied = vocab > 0;
  const dimensions = { hiddenSize, mlpSize, blocks, heads, keyValueHeads, vocabSize, length, tied };
  for (const [name, value] of Object.entries({ ...dimensions, tied: 1 })) {
    if (value < 1 || value > 2 ** 24) throw brokenFile(path, `its header says ${name} is ${value}`);
  }
  if (hiddenSize % (2 * heads) !== 0 || heads % keyValueHeads !== 0) {
    throw brokenFile(
      path,
      `a width of ${hiddenSize} in ${heads} heads, ${keyValueHeads} of keys and values, cannot be`,
    );
  }
  if (vocabSize < 2) throw brokenFile(path, 'its vocabulary has one token');
  const whole: DecoderDimensions = {
    ...dimensions,
    headSize: hiddenSize / heads,
    attention: 'causal',
    norm: { type: 'rms', epsilon: 1e-5 },
    rotary: { theta: 10_000 },
    activation: 'silu',
    gated: true,
  };
  const bytes = bytesOf(whole);
  if (bytes !== size) throw brokenFile(path, `its header asks for ${bytes} bytes, and it has ${size}`);
  return whole;
}

const rotaryElements = ({ length, hiddenSize, heads }: DecoderDimensions): number =>
  length * (hiddenSize / heads);

function bytesOf(dimensions: DecoderDimensions): number {
  const { hiddenSize: d, heads, keyValueHeads, mlpSize, blocks, vocabSize, tied } = dimensions;
  const narrow = (d / heads) * keyValueHeads;
  const block = 2 * d + 2 * d * d + 2 * d * narrow + 3 * d * mlpSize;
  const elements = vocabSize * d * (tied ? 1 : 2) + blocks * block + d + rotaryElements(dimensions);
  return HEADER_BYTES + 4 * elements;
}

/** The offset of each parameter: one kind after the other, each for all blocks. */
function layOut(path: string, dimensions: DecoderDimensions): Map<string, StoredTensor> {
  const { hiddenSize: d, heads, keyValueHeads, mlpSize, blocks, vocabSize, tied } = dimensions;
  const narrow = (d / heads) * keyValueHeads;
  const tensors = new Map<string, StoredTensor>();
  let offset = HEADER_BYTES;
  const put = (name: string, shape: number[]) => {
    tensors.set(name, { name, type: 'float32', shape, path, offset });
    offset += 4 * countOf(shape);
  };
  const each = (name: string, shape: number[]) => {
    for (let i = 0; i < blocks; i++) put(`blocks.${i}.${name}.weight`, shape);
  };
  put('vocab_embed.embedding', [vocabSize, d]);
  each('norm1', [d]);
  each('attn_q', [d, d]);
  each('attn_k', [narrow, d]);
  each('attn_v', [narrow, d]);
  each('attn_out', [d, d]);
  each('norm2', [d]);
  each('mlp.gate', [mlpSize, d]);
  each('mlp.down', [d, mlpSize]);
  each('mlp.up', [mlpSize, d]);
  put('norm_final.weight', [d]);
  offset += 4 * rotaryElements(dimensions); // tables that follow from the sizes
  if (!tied) put('output_layer.linear.weight', [vocabSize, d]);
  return tensors;
}

function brokenFile(path: string, why: string): ModelError {
  return new ModelError({
    code: 'broken-llama2c',
    message: `${path} cannot be used: ${why}.`,
    hint: "Get it again; only llama2.c's first format (float32, no magic number) is read.",
  });
}
