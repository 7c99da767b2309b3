import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { fromBinary, ModelProtoSchema } from '../../../src/graph/onnx.js';
import { fillWeights } from '../../../src/graph/write.js';
import { causalGraph } from '../../../src/models/architectures/causal.js';
import { ditGraph } from '../../../src/models/architectures/dit.js';
import { networkParameters } from '../../../src/models/architectures/parameters.js';
import { bytesOfSource } from '../../../src/models/weights/weight-source.js';
import { float32, int64, largestDifference, numbers, sessionOf } from './networks.js';

const checkpoints = fileURLToPath(new URL('../../../../shared/checkpoints/', import.meta.url));

/** Trained elsewhere by an independent PyTorch implementation and exported by it: width 128, 4 blocks, 4 heads. */
const trained = [
  { file: 'duo.onnx', adaLN: true, vocabSize: 512 },
  { file: 'mdlm.onnx', adaLN: true, vocabSize: 513 },
  { file: 'ar.onnx', adaLN: false, vocabSize: 512 },
];

/** The exporter's names where they are not ours. */
const EXPORTED: Record<string, string> = {
  'vocab_embed.embedding': 'vocab_embed',
  'sigma_map.mlp.0': 't1',
  'sigma_map.mlp.2': 't2',
  'output_layer.norm_final': 'norm_final',
  'output_layer.adaLN_modulation': 'ada',
  'output_layer.linear': 'linear',
};

/** Weights by our names. Matrices of plain products lost theirs in the export, and come in the order of the network. */
function exportedWeights(path: string, adaLN: boolean) {
  const { initializer } = fromBinary(ModelProtoSchema, readFileSync(path)).graph!;
  const named = new Map(initializer.map((tensor) => [tensor.name, tensor]));
  const products = initializer.filter(({ name }) => name.startsWith('onnx::MatMul'));
  return (name: string, [rows, columns]: readonly number[]): Float32Array => {
    const [, layer, kind] = /^(.*)\.(weight|bias|embedding)$/.exec(name)!;
    const exported = EXPORTED[name] ?? `${EXPORTED[layer] ?? layer}.${kind}`;
    const tensor = named.get(exported) ?? products.shift()!;
    const data = new Float32Array(Uint8Array.from(tensor.rawData).buffer);
    const isGemm = tensor.name === exported && columns !== undefined && kind === 'weight';
    if (!isGemm) return data;
    expect(adaLN).toBe(true);
    return Float32Array.from(data, (_, i) => data[(i % columns) * rows + Math.floor(i / columns)]);
  };
}

describe.skipIf(!existsSync(checkpoints))(
  'with the weights of a trained export (../shared/checkpoints)',
  () => {
    it.each(trained)('$file, our graph gives its logits', async ({ file, adaLN, vocabSize }) => {
      const path = `${checkpoints}${file}`;
      const dimensions = { hiddenSize: 128, conditionSize: 64, blocks: 4, heads: 4, vocabSize, length: 128 };
      const graph = (adaLN ? ditGraph : causalGraph)(dimensions);
      const weight = exportedWeights(path, adaLN);
      const parameters = networkParameters(dimensions, { adaLN });
      await fillWeights(
        graph,
        bytesOfSource(parameters, ({ name, dims }) => [weight(name, dims)]),
      );

      const ids = [0, 1].map((b) =>
        Array.from({ length: 128 }, (_, i) => (i * i * 31 + 17 * b * i + 5) % vocabSize),
      );
      const feeds = { input_ids: int64(ids), ...(adaLN && { sigma: float32([0.05, 5], [2]) }) };
      const theirs = await ort.InferenceSession.create(path, { logSeverityLevel: 4, intraOpNumThreads: 1 });
      const expected = numbers((await theirs.run(feeds)).logits as ort.Tensor);
      const { logits } = await (await sessionOf(graph)).run(feeds);
      expect(expected.some((value) => Math.abs(value) > 5)).toBe(true);
      expect(largestDifference(numbers(logits), expected)).toBeLessThan(1e-4);
    });
  },
);
