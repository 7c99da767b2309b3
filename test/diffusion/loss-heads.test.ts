import { existsSync, readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { appendLossHead, HEAD } from '../../src/diffusion/heads/index.js';
import { Graph } from '../../src/graph/graph.js';
import { Identity } from '../../src/graph/operators.js';

interface Oracle {
  family: 'ar' | 'mdlm' | 'sedd' | 'duo';
  vocab_size: number;
  alpha: number[];
  dalpha: number[];
  logits: number[][][];
  mask_token_id?: number;
  x0: number[][];
  xt: number[][];
  nll: number[][];
}

const file = new URL('../../../shared/oracles/duo-reference.json', import.meta.url);
const oracles: Oracle[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).nll_and_posterior : [];

/** The loss of a head over given logits, through the runtime; per unit of −dα. [batch][length] */
async function headLoss(oracle: Oracle, oneMinusAlpha: readonly number[]): Promise<number[][]> {
  const { family, vocab_size: K, logits, xt } = oracle;
  const [batch, length] = [xt.length, xt[0].length];
  const graph = Graph.create('given_logits', { opset: 17 });
  graph.input('input_ids', 'int64', ['batch', 'length']);
  graph.output(Identity(graph.input('given', 'float32', ['batch', 'length', K])), 'logits');
  appendLossHead(graph, family, {
    logits: 'logits',
    vocabSize: K,
    maskTokenId: oracle.mask_token_id ?? null,
  });

  const int64 = (values: readonly number[], dims: readonly number[]) =>
    new ort.Tensor('int64', BigInt64Array.from(values.map(BigInt)), dims);
  const given = new ort.Tensor('float32', Float32Array.from(logits.flat(2)), [batch, length, K]);
  const session = await ort.InferenceSession.create(graph.toBytes());
  const targets = family === 'ar' ? oracle.x0.map((row) => row.slice(1)) : oracle.x0;
  const loss = Array.from({ length: batch }, () => new Array<number>(length).fill(0));
  if (family === 'ar' || family === 'duo') {
    const feeds: Record<string, ort.Tensor> = {
      given,
      [HEAD.targets]: int64(targets.flat(), [batch, length]),
    };
    if (family === 'duo') {
      feeds.input_ids = int64(xt.flat(), [batch, length]);
      feeds[HEAD.oneMinusAlpha] = new ort.Tensor('float64', Float64Array.from(oneMinusAlpha), [batch]);
    } else {
      feeds.input_ids = int64(xt.flat(), [batch, length]);
    }
    const data = (await session.run(feeds))[HEAD.loss].data as Float32Array;
    for (let i = 0; i < batch * length; i++) loss[Math.floor(i / length)][i % length] = data[i];
    return loss;
  }
  const rows = xt.flatMap((row, b) => row.flatMap((z, l) => (z === oracle.mask_token_id ? [[b, l]] : [])));
  const data = (
    await session.run({
      given,
      input_ids: int64(xt.flat(), [batch, length]),
      [HEAD.rows]: int64(rows.flat(), [rows.length, 2]),
      [HEAD.targets]: int64(
        rows.map(([b, l]) => oracle.x0[b][l]),
        [rows.length],
      ),
      [HEAD.oneMinusAlpha]: new ort.Tensor(
        'float64',
        Float64Array.from(rows.map(([b]) => oneMinusAlpha[b])),
        [rows.length],
      ),
    })
  )[HEAD.loss].data as Float32Array;
  for (const [i, [b, l]] of rows.entries()) loss[b][l] = data[i];
  return loss;
}

describe.skipIf(oracles.length === 0)('the loss heads', () => {
  for (const [i, oracle] of oracles.entries()) {
    it(`give the reference implementation's values: ${oracle.family}, K = ${oracle.vocab_size} (${i})`, async () => {
      const loss = await headLoss(
        oracle,
        oracle.alpha.map((alpha) => 1 - alpha),
      );
      let worst = 0;
      for (const [b, row] of oracle.nll.entries()) {
        const scale = oracle.family === 'ar' ? 1 : -oracle.dalpha[b];
        for (const [l, expected] of row.entries()) {
          const error = Math.abs(loss[b][l] * scale - expected) / Math.max(Math.abs(expected), 1e-30);
          if (expected === 0) expect(loss[b][l]).toBe(0);
          else worst = Math.max(worst, error);
        }
      }
      expect(worst).toBeLessThan(1e-4);
    });
  }
});
