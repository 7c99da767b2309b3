/** About src/graph/rows.ts, src/diffusion/heads/rows.ts and src/models/stored-weights.ts: `model_fp16.onnx`, `model_int8.onnx` and `model_q4f16.onnx` of exporters. */
import { describe, expect, it } from 'vitest';
import { LossSession } from '../../src/evals/perplexity/loss-session.js';
import { batchModelOf } from '../../src/evals/perplexity/loss-source.js';
import { MatMulNBits } from '../../src/graph/fused-operators.js';
import { Graph, type Value } from '../../src/graph/graph.js';
import { Cast, Gather, MatMul, Mul } from '../../src/graph/operators.js';
import { checkpointOfGraph } from '../../src/models/checkpoint.js';
import { encodeFloat16 } from '../../src/models/weights/half-precision.js';

const [WIDTH, BLOCK, L] = [64, 32, 9];
const wave = (i: number) => Math.sin(1 + 12.9898 * i);
/** Later tokens have larger states. */
const embedding = (V: number) =>
  Float32Array.from({ length: V * WIDTH }, (_, i) => wave(i) * (0.5 + i / (2 * V * WIDTH)));
/** Whole numbers from −127 to 127, of the scale 1/64, as the matrix [WIDTH, V]. */
const code = (i: number) => Math.round(127 * wave(7 * i + 3));
const SCALE = 1 / 64;

function half(graph: Graph, name: string, dims: number[], values: Float32Array): Value {
  const bits = new Uint16Array(values.length);
  encodeFloat16(values, bits);
  return graph.initializer(name, 'float16', dims, new Uint8Array(bits.buffer));
}

/** All of it in float16, as converters for GPUs make it; `wide` ends in float32. */
function ofFloat16(V: number, wide: boolean): Graph {
  const graph = Graph.create('model_fp16');
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const states = Gather(half(graph, 'embed_tokens', [V, WIDTH], embedding(V)), ids);
  const weights = Float32Array.from({ length: WIDTH * V }, (_, i) => code(i) * SCALE);
  const logits = MatMul(states, half(graph, 'lm_head', [WIDTH, V], weights));
  graph.output(wide ? Cast(logits, { to: 'float32' }) : logits, 'logits', ['batch', 'length', V]);
  return graph;
}

/** Weights of int8, and states that are rounded to 8 bits by their range over the call, as onnxruntime's `quantize_dynamic` makes it. */
function ofInt8(V: number): Graph {
  const graph = Graph.create('model_int8');
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const states = Gather(graph.initializer('embed_tokens', 'float32', [V, WIDTH], embedding(V)), ids);
  const [codes, scale, zero] = graph.node('DynamicQuantizeLinear', [states], {
    outputs: ['uint8', 'float32', 'uint8'],
  });
  const weights = Int8Array.from({ length: WIDTH * V }, (_, i) => code(i));
  const matrix = graph.initializer('lm_head_quantized', 'int8', [WIDTH, V], new Uint8Array(weights.buffer));
  const none = graph.initializer('lm_head_zero_point', 'int8', [], new Uint8Array(1));
  const [product] = graph.node('MatMulInteger', [codes, matrix, zero, none], { outputs: ['int32'] });
  const logits = Mul(Cast(product, { to: 'float32' }), Mul(scale, SCALE));
  graph.output(logits, 'logits', ['batch', 'length', V]);
  return graph;
}

/** A nibble from 0 to 15, of which 8 stands for 0. */
const nibble = (output: number, input: number) => 8 + Math.round(7 * wave(7 * (output * WIDTH + input)));

/** Products in blocks of 4 bits whose scales, and all else, are of float16. */
function ofFourBits(V: number): Graph {
  const graph = Graph.create('model_q4f16');
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const states = Gather(half(graph, 'embed_tokens', [V, WIDTH], embedding(V)), ids);
  const bytes = Uint8Array.from({ length: (V * WIDTH) / 2 }, (_, i) => {
    const [output, input] = [Math.floor((2 * i) / WIDTH), (2 * i) % WIDTH];
    return nibble(output, input) | (nibble(output, input + 1) << 4);
  });
  const scales = new Float32Array((V * WIDTH) / BLOCK).fill(SCALE);
  const logits = MatMulNBits(states, {
    codes: graph.initializer('lm_head_Q4', 'uint8', [V, WIDTH / BLOCK, BLOCK / 2], bytes),
    scales: half(graph, 'lm_head_scales', [scales.length], scales),
    ...{ zeros: null, outputs: V, inputs: WIDTH, block: BLOCK },
  });
  graph.output(Cast(logits, { to: 'float32' }), 'logits', ['batch', 'length', V]);
  return graph;
}

describe.each([
  ['in one piece', 24],
  ['in blocks of rows', 5000],
])('the loss of each token is that of the weights, with logits %s:', (_how, V) => {
  it.each([
    ['float16', () => ofFloat16(V, false), (v: number, i: number) => code(i * V + v), 0.05],
    [
      'float16 with logits of float32',
      () => ofFloat16(V, true),
      (v: number, i: number) => code(i * V + v),
      0.05,
    ],
    ['int8', () => ofInt8(V), (v: number, i: number) => code(i * V + v), 0.2],
    ['4 bits and float16', () => ofFourBits(V), (v: number, i: number) => nibble(v, i) - 8, 0.05],
  ] as const)('%s', async (_as, exported, weight, most) => {
    const checkpoint = checkpointOfGraph(exported(), { family: 'ar', bosTokenId: 0 }, 'exported');
    const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
    const x = Int32Array.from({ length: L }, (_, l) => (5 * l * l + 3 * l) % V);
    const call = { sequence: 0, draw: 0, x, level: null, byToken: true };
    const [{ byToken }] = await session.losses([call], batchModelOf(checkpoint, { seed: 1, wrapped: false }));
    await session.close();
    const states = embedding(V);
    for (let l = 1; l < L; l++) {
      const logits = Array.from({ length: V }, (_, v) => {
        let sum = 0;
        for (let i = 0; i < WIDTH; i++) sum += states[x[l - 1] * WIDTH + i] * weight(v, i) * SCALE;
        return sum;
      });
      const due = Math.log(logits.reduce((sum, f) => sum + Math.exp(f), 0)) - logits[x[l]];
      expect(Math.abs((byToken?.[l - 1] ?? 0) - due)).toBeLessThan(most);
    }
  });
});

it('of int8, a sequence’s loss depends on what shares its call, which is said', async () => {
  const checkpoint = checkpointOfGraph(ofInt8(24), { family: 'ar', bosTokenId: 0 }, 'rounded');
  expect(checkpoint.notices.join()).toMatch(/^rounded: .* --batch 1 keeps sequences apart/);
  expect(checkpointOfGraph(ofFloat16(24, true), { family: 'ar', bosTokenId: 0 }, 'half').notices).toEqual([]);
  const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
  const call = (sequence: number) => ({
    ...{ sequence, draw: 0, level: null },
    x: Int32Array.from({ length: L }, (_, l) => (l * (sequence + 1)) % 24),
  });
  const model = batchModelOf(checkpoint, { seed: 1, wrapped: false });
  const [alone] = await session.losses([call(0)], model);
  const [together] = await session.losses([call(0), call(1)], model);
  await session.close();
  expect(together.nats).not.toBe(alone.nats);
  expect(Math.abs(together.nats - alone.nats)).toBeLessThan(0.5);
});
