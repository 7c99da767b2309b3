import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Mul } from '../../src/graph/operators.js';
import { readModelFile } from '../../src/graph/read.js';
import { float32, int64, runGraph } from './run-graph.js';

const checkpoints = fileURLToPath(new URL('../../../shared/checkpoints/', import.meta.url));
const available = existsSync(`${checkpoints}duo.onnx`);

describe.skipIf(!available)('a graph appended to a trained checkpoint (needs ../shared/checkpoints)', () => {
  it.each(['ar', 'mdlm', 'duo', 'duo-dcd'])(
    '%s: same logits to the bit, and what was appended',
    async (name) => {
      const path = `${checkpoints}${name}.onnx`;
      const ids = Array.from({ length: 2 * 64 }, (_, i) => (i * 37) % 511);
      const original = await ort.InferenceSession.create(path, { logSeverityLevel: 4, intraOpNumThreads: 1 });
      const feeds = {
        input_ids: int64(ids, [2, 64]),
        ...(original.inputNames.includes('sigma') ? { sigma: float32([0.3, 1.7], [2]) } : {}),
      };
      const expected = (await original.run(feeds)).logits.data as Float32Array;

      const { graph, folder } = readModelFile(path);
      graph.output(Mul(graph.value('logits'), 2), 'doubled');
      const { logits, doubled } = await runGraph(graph.toBytes(), folder, feeds);
      expect(expected.some((value) => value !== 0)).toBe(true);
      expect(
        Buffer.compare(Buffer.from((logits.data as Float32Array).buffer), Buffer.from(expected.buffer)),
      ).toBe(0);
      expect((doubled.data as Float32Array).every((value, i) => value === 2 * expected[i])).toBe(true);
    },
  );
});
