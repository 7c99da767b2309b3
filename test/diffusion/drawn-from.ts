/** Runs the draw head over logits that are given instead of computed. */
import ort from 'onnxruntime-node';
import { appendDrawHead, DRAW, drawsAtRows } from '../../src/diffusion/heads/draw.js';
import { blockSize } from '../../src/diffusion/heads/inverse-cdf.js';
import { Graph } from '../../src/graph/graph.js';
import { Identity } from '../../src/graph/operators.js';
import { int64 } from '../graph/run-graph.js';

export interface Draws {
  family: 'ar' | 'mdlm' | 'sedd' | 'duo';
  vocabSize: number;
  maskTokenId?: number | null;
  /** [rows × vocab], one sequence. */
  logits: Float32Array;
  /** [rows]; null: the most probable token. */
  uniforms: Float64Array | null;
  /** [rows] of the tokens there are. */
  present?: readonly number[];
  temperature?: number;
  topK?: number;
  topP?: number;
  threads?: number;
  /** Two float32 uniforms instead of one of float64. */
  single?: boolean;
}

export interface Drawn {
  token: number[];
  probability: number[];
  /** Uniform-state families. */
  present?: number[];
  /** sedd: ln Σ e^f. */
  logSumExp?: number[];
}

export async function drawnFrom(draws: Draws): Promise<Drawn> {
  const { family, vocabSize, logits, uniforms, temperature, single = false } = draws;
  const rows = logits.length / vocabSize;
  const graph = Graph.create('given_logits', { opset: 21 });
  graph.input('input_ids', 'int64', ['batch', 'length']);
  graph.output(Identity(graph.input('given', 'float32', ['batch', 'length', vocabSize])), 'logits');
  appendDrawHead(graph, family, {
    logits: 'logits',
    vocabSize,
    maskTokenId: draws.maskTokenId ?? null,
    temperature: temperature !== undefined,
    topK: draws.topK,
    topP: draws.topP,
    double: !single,
  });
  const atSome = drawsAtRows(family);
  const dims = atSome ? [rows] : [1, rows];
  const us = uniforms ?? new Float64Array(rows);
  const feeds: Record<string, ort.Tensor> = {
    given: new ort.Tensor('float32', logits, [1, rows, vocabSize]),
    input_ids: int64(draws.present ?? Array.from({ length: rows }, () => 0), [1, rows]),
    [DRAW.greedy]: new ort.Tensor('bool', Uint8Array.of(Number(uniforms === null)), []),
  };
  if (single) {
    const [coarse, fine] = twoUniforms(us);
    feeds[DRAW.uniforms] = new ort.Tensor('float32', coarse, dims);
    feeds[DRAW.fineUniforms] = new ort.Tensor('float32', fine, dims);
  } else {
    feeds[DRAW.uniforms] = new ort.Tensor('float64', us, dims);
  }
  if (atSome) {
    const places = Array.from({ length: rows }, (_, r) => [0, r]).flat();
    feeds[DRAW.rows] = int64(places, [rows, 2]);
  }
  if (temperature !== undefined) {
    feeds[DRAW.inverseTemperature] = new ort.Tensor('float32', Float32Array.of(1 / temperature), []);
  }
  const session = await ort.InferenceSession.create(graph.toBytes(), {
    intraOpNumThreads: draws.threads ?? 1,
    logSeverityLevel: 4,
  });
  try {
    const outputs = await session.run(feeds);
    const numbers = (name: string) =>
      outputs[name] ? Array.from(outputs[name].data as ArrayLike<number>, Number) : undefined;
    return {
      token: numbers(DRAW.token)!,
      probability: numbers(DRAW.probability)!,
      present: numbers(DRAW.present),
      logSumExp: numbers(DRAW.logSumExp),
    };
  } finally {
    await session.release();
  }
}

/** 24 bits of each number, and the next 24. */
export function twoUniforms(us: Float64Array): [Float32Array, Float32Array] {
  const coarse = Float32Array.from(us, (u) => Math.floor(u * 2 ** 24) / 2 ** 24);
  return [coarse, Float32Array.from(us, (u, i) => Math.floor((u - coarse[i]) * 2 ** 48) / 2 ** 24)];
}

/** softmax in float64. */
export function softmax(logits: Iterable<number>): Float64Array {
  const f = Float64Array.from(logits);
  const largest = f.reduce((a, b) => Math.max(a, b));
  const weights = f.map((value) => Math.exp(value - largest));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / sum);
}

/** The token that the running sum of x passes u at. */
export function inverse(x: ArrayLike<number>, u: number): number {
  let sum = 0;
  for (let v = 0; v < x.length; v++) {
    sum += x[v];
    if (sum > u) return v;
  }
  return x.length - 1;
}

/** The same by blocks: `coarse` chooses the block, `fine` the token inside. */
export function inverseByBlocks(x: Float64Array, coarse: number, fine: number): number {
  const size = blockSize(x.length);
  const blocks = Array.from({ length: Math.ceil(x.length / size) }, (_, b) =>
    x.subarray(b * size, (b + 1) * size),
  );
  const masses = blocks.map((block) => block.reduce((a, p) => a + p, 0));
  const b = inverse(masses, coarse);
  return (
    b * size +
    inverse(
      blocks[b].map((p) => p / masses[b]),
      fine,
    )
  );
}

/** Normal numbers without a pattern in the vocabulary, always the same. */
export function someNormals(count: number): Float64Array {
  let state = 12345;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float64Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next()),
  );
}
