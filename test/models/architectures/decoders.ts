/** Decoders of several kinds with the weights of networks.ts, run by the runtime in this process. */
import type ort from 'onnxruntime-node';
import { fillWeights } from '../../../src/graph/write.js';
import { type DecoderOptions, decoderGraph } from '../../../src/models/architectures/decoder.js';
import {
  type DecoderDimensions,
  decoderParameters,
} from '../../../src/models/architectures/decoder-dimensions.js';
import { bytesOfSource } from '../../../src/models/weights/weight-source.js';
import { float32, int64, numbers, oracleWeight, type RunnableNetwork, sessionOf } from './networks.js';

const llama: DecoderDimensions = {
  hiddenSize: 24,
  blocks: 2,
  heads: 6,
  keyValueHeads: 2,
  headSize: 4,
  mlpSize: 20,
  vocabSize: 13,
  length: 16,
  tied: false,
  attention: 'causal',
  norm: { type: 'rms', epsilon: 1e-5 },
  rotary: { theta: 10_000 },
  activation: 'silu',
  gated: true,
};

/** One of each published kind, with sizes of its own. */
export const kinds: Record<string, DecoderDimensions> = {
  llama,
  qwen2: { ...llama, tied: true, biases: { qkv: true }, keyValueHeads: 3 },
  qwen3: { ...llama, headSize: 6, queryKeyNorm: true, heads: 4, rotary: { theta: 1e6 } },
  gemma: { ...llama, activation: 'gelu-tanh', embeddingScale: 24 ** 0.5, keyValueHeads: 1, tied: true },
  pythia: {
    ...llama,
    keyValueHeads: 3,
    heads: 3,
    headSize: 8,
    norm: { type: 'layer', epsilon: 1e-5 },
    biases: { qkv: true, out: true, mlp: true },
    rotary: { theta: 10_000, turned: 4 },
    activation: 'gelu',
    gated: false,
    parallel: true,
  },
};

export async function decoder(
  dimensions: DecoderDimensions,
  options: DecoderOptions = {},
): Promise<RunnableNetwork> {
  const graph = decoderGraph(dimensions, options);
  const parameters = decoderParameters(dimensions);
  const places = new Map(parameters.map(({ name }, place) => [name, place]));
  await fillWeights(
    graph,
    bytesOfSource(parameters, (parameter) => [oracleWeight(parameter, places.get(parameter.name) ?? 0)]),
  );
  return sessionOf(graph);
}

type Past = Record<string, ort.Tensor>;

export const emptyDecoderPast = (
  { blocks, keyValueHeads, headSize }: DecoderDimensions,
  batch: number,
): Past =>
  Object.fromEntries(
    Array.from({ length: blocks }, (_, i) =>
      ['key', 'value'].map((part) => [
        `past_key_values.${i}.${part}`,
        float32([], [batch, keyValueHeads, 0, headSize]),
      ]),
    ).flat(),
  );

/** Logits of a causal network that reads the tokens in the given steps, each after what is cached: [tokens × vocab]. */
export async function inSteps(
  network: RunnableNetwork,
  dimensions: DecoderDimensions,
  ids: readonly number[],
  steps: readonly number[],
): Promise<number[]> {
  const all: number[] = [];
  let past = emptyDecoderPast(dimensions, 1);
  let from = 0;
  for (const step of steps) {
    const to = from + step;
    const { logits, ...presents } = await network.run({
      input_ids: int64([ids.slice(from, to)]),
      position_ids: int64([ids.slice(from, to).map((_, i) => from + i)]),
      attention_mask: int64([ids.slice(0, to).map(() => 1)]),
      ...past,
    });
    all.push(...numbers(logits));
    past = Object.fromEntries(
      Object.entries(presents).map(([name, tensor]) => [name.replace('present', 'past_key_values'), tensor]),
    );
    from = to;
  }
  return all;
}
