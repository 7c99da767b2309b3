/** About src/graph/read.ts and src/graph/rows.ts: `model_q4.onnx` of exporters, whose products are MatMulNBits without zero points. */
import { expect, it } from 'vitest';
import { LossSession } from '../../src/evals/perplexity/loss-session.js';
import { batchModelOf } from '../../src/evals/perplexity/loss-source.js';
import { MatMulNBits } from '../../src/graph/fused-operators.js';
import { Graph } from '../../src/graph/graph.js';
import { Gather } from '../../src/graph/operators.js';
import { checkpointOfGraph } from '../../src/models/checkpoint.js';

const [V, WIDTH, BLOCK, L] = [24, 64, 32, 9];
const wave = (i: number) => Math.sin(1 + 12.9898 * i);
const embedding = Float32Array.from({ length: V * WIDTH }, (_, i) => wave(i));
/** Two codes in a byte, the lower half first; 8 stands for 0. */
const codes = Uint8Array.from({ length: (V * WIDTH) / 2 }, (_, i) => Math.floor(128 * (1 + wave(7 * i))));
const scales = Float32Array.from({ length: (V * WIDTH) / BLOCK }, (_, i) => 0.05 + 0.04 * wave(3 * i));

const weight = (output: number, input: number): number => {
  const at = output * WIDTH + input;
  const byte = codes[at >> 1];
  return (((at & 1 ? byte >> 4 : byte & 15) - 8) * scales[Math.floor(at / BLOCK)]) as number;
};

function exported(): Graph {
  const graph = Graph.create('model_q4');
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const x = Gather(graph.initializer('embed_tokens', 'float32', [V, WIDTH], embedding), ids);
  const logits = MatMulNBits(x, {
    codes: graph.initializer('lm_head_Q4', 'uint8', [V, WIDTH / BLOCK, BLOCK / 2], codes),
    scales: graph.initializer('lm_head_scales', 'float32', [(V * WIDTH) / BLOCK], scales),
    ...{ zeros: null, outputs: V, inputs: WIDTH, block: BLOCK },
  });
  graph.output(logits, 'logits', ['batch', 'length', V]);
  return graph;
}

it('the loss of each token is that of the weights that the codes stand for', async () => {
  const checkpoint = checkpointOfGraph(exported(), { family: 'ar', bosTokenId: 0 }, 'q4');
  const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
  const x = Int32Array.from({ length: L }, (_, l) => (5 * l * l + 3 * l) % V);
  const call = { sequence: 0, draw: 0, x, level: null, byToken: true };
  const [{ byToken }] = await session.losses([call], batchModelOf(checkpoint, { seed: 1, wrapped: false }));
  await session.close();
  for (let l = 1; l < L; l++) {
    const logits = Array.from({ length: V }, (_, v) => {
      let sum = 0;
      for (let i = 0; i < WIDTH; i++) sum += embedding[x[l - 1] * WIDTH + i] * weight(v, i);
      return sum;
    });
    const due = Math.log(logits.reduce((sum, f) => sum + Math.exp(f), 0)) - logits[x[l]];
    expect(Math.abs((byToken?.[l - 1] ?? 0) - due)).toBeLessThan(1e-4);
  }
});
