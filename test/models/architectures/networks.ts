/** Networks with the oracle's weights, run by the runtime in this process. */
import { readFileSync } from 'node:fs';
import ort from 'onnxruntime-node';
import type { Graph } from '../../../src/graph/graph.js';
import { fillWeights } from '../../../src/graph/write.js';
import {
  blockDiffusionGraph,
  blockTrainingGraph,
} from '../../../src/models/architectures/block-diffusion.js';
import { cachedCausalGraph, causalGraph } from '../../../src/models/architectures/causal.js';
import type { Dimensions } from '../../../src/models/architectures/dimensions.js';
import { ditGraph } from '../../../src/models/architectures/dit.js';
import type { BuildOptions } from '../../../src/models/architectures/network.js';
import {
  elementCount,
  networkParameters,
  type Parameter,
} from '../../../src/models/architectures/parameters.js';
import { bytesOfSource } from '../../../src/models/weights/weight-source.js';

export interface Oracle {
  dimensions: Dimensions;
  inputIds: number[][];
  sigma: number[];
  /** Logits [batch][length][vocab]. */
  dit: number[][][];
  causal: number[][][];
}

export const oracle: Oracle = JSON.parse(
  readFileSync(new URL('../../oracles/architectures.json', import.meta.url), 'utf8'),
);

const graphOf = {
  dit: ditGraph,
  causal: causalGraph,
  cached: cachedCausalGraph,
  blocks: blockDiffusionGraph,
  trainedBlocks: blockTrainingGraph,
};
/** What one text alone is read by. */
export type Form = 'dit' | 'causal' | 'cached';
const READS_NOISE: readonly (keyof typeof graphOf)[] = ['dit', 'blocks', 'trainedBlocks'];

/** The formula that the oracle's file states. */
export function oracleWeight({ name, dims }: Parameter, p: number): Float32Array {
  const offset = /norm/.test(name) ? 1 : 0;
  return Float32Array.from({ length: elementCount({ dims }) }, (_, i) => {
    let h = (i + 1 + 1000003 * p) >>> 0;
    h = Math.imul(h, 2654435761) >>> 0;
    h = (h ^ (h >>> 15)) >>> 0;
    h = Math.imul(h, 2246822519) >>> 0;
    h = (h ^ (h >>> 13)) >>> 0;
    return offset + 0.6 * (h / 2 ** 32 - 0.5);
  });
}

export async function networkGraph(
  form: keyof typeof graphOf,
  dimensions: Dimensions,
  options: BuildOptions = {},
): Promise<Graph> {
  const graph = graphOf[form](dimensions, options);
  const parameters = networkParameters(dimensions, { adaLN: READS_NOISE.includes(form) });
  const source = (parameter: Parameter) => [oracleWeight(parameter, parameters.indexOf(parameter))];
  await fillWeights(graph, bytesOfSource(parameters, source));
  return graph;
}

export interface RunnableNetwork {
  run(feeds: Record<string, ort.Tensor>): Promise<Record<string, ort.Tensor>>;
}

/** @param model a graph, or the path of a file */
export async function sessionOf(
  model: Graph | string,
  providers: string[] = ['cpu'],
): Promise<RunnableNetwork> {
  const options = { executionProviders: providers, intraOpNumThreads: 1, logSeverityLevel: 4 } as const;
  const session = await (typeof model === 'string'
    ? ort.InferenceSession.create(model, options)
    : ort.InferenceSession.create(model.toBytes(), options));
  return { run: async (feeds) => ({ ...(await session.run(feeds)) }) as Record<string, ort.Tensor> };
}

export function int64(rows: readonly (readonly number[])[]): ort.Tensor {
  return new ort.Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0].length]);
}

export const float32 = (values: readonly number[] | Float32Array, dims: readonly number[]): ort.Tensor =>
  new ort.Tensor('float32', Float32Array.from(values), dims);

export const emptyPast = (dimensions: Dimensions, batch: number): Record<string, ort.Tensor> =>
  Object.fromEntries(
    Array.from({ length: dimensions.blocks }, (_, i) =>
      ['key', 'value'].map((part) => [
        `past_key_values.${i}.${part}`,
        float32([], [batch, dimensions.heads, 0, dimensions.hiddenSize / dimensions.heads]),
      ]),
    ).flat(),
  );

export const numbers = (tensor: ort.Tensor): Float32Array => tensor.data as Float32Array;

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} numbers against ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
