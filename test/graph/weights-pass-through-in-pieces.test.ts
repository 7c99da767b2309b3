import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Add, MatMul } from '../../src/graph/operators.js';
import { readModelFile } from '../../src/graph/read.js';
import { type WeightBytes, writeModel } from '../../src/graph/write.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder().root;

/** y = x·W + b + 1 with W large enough for the reader to leave it in the file. */
function affine(): Graph {
  const graph = Graph.create('affine');
  const x = graph.input('x', 'float32', [1, 2]);
  const product = MatMul(x, graph.weight('W', 'float32', [2, 300]));
  graph.output(Add(Add(product, graph.weight('b', 'float32', [300])), 1), 'y', [1, 300]);
  graph.setMetadata('key', 'value');
  return graph;
}
const values = (name: string, count: number) =>
  Float32Array.from({ length: count }, (_, i) => (name === 'W' ? i : 1000 * i));

/** In pieces of 7 bytes, which are no whole numbers of elements. */
const inPieces: WeightBytes = function* ({ name, dims }) {
  const bytes = new Uint8Array(
    values(
      name,
      dims.reduce((a, b) => a * b),
    ).buffer,
  );
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
};
const expected = Array.from({ length: 300 }, (_, i) => 2 * i + 3 * (300 + i) + 1000 * i + 1);

async function run(graph: string | Uint8Array, at = ''): Promise<number[]> {
  const options = {
    logSeverityLevel: 4,
    extra: at ? { session: { model_external_initializers_file_folder_path: at } } : {},
  } as const;
  const session =
    typeof graph === 'string'
      ? await ort.InferenceSession.create(graph, options)
      : await ort.InferenceSession.create(graph, options);
  const { y } = await session.run({ x: new ort.Tensor('float32', [2, 3], [1, 2]) });
  return [...(y.data as Float32Array)];
}

describe.each([
  ['in the model file', undefined, null],
  ['in a file of their own', 0, 'x.onnx.data'],
])('weights %s', (_name, largestInline, data) => {
  const path = join(folder, data ? 'external' : 'inline', 'x.onnx');

  it('are what the runtime and the reader find', async () => {
    const written = await writeModel(path, affine(), inPieces, { largestInline });
    const files = readdirSync(join(path, '..')).sort();
    expect(files).toEqual(data ? ['x.onnx', data] : ['x.onnx']);
    expect(written.dataPath).toBe(data && join(path, '..', data));
    expect(written.bytes).toBe(files.reduce((sum, file) => sum + statSync(join(path, '..', file)).size, 0));
    expect(await run(path)).toEqual(expected);
    const read = readModelFile(path);
    expect(await run(read.graph.toBytes(), read.folder)).toEqual(expected);
    expect(read.graph.metadata.get('key')).toBe('value');
  });

  it.each([
    ['fewer', (bytes: Uint8Array) => [bytes.subarray(4)]],
    ['more', (bytes: Uint8Array) => [bytes, new Uint8Array(4)]],
  ])('of %s bytes than their shape leave no file behind', async (words, change) => {
    const bad = join(folder, `bad-${words}-${data}`, 'x.onnx');
    const source: WeightBytes = ({ name, dims }) =>
      change(
        new Uint8Array(
          values(
            name,
            dims.reduce((a, b) => a * b),
          ).buffer,
        ),
      );
    await expect(writeModel(bad, affine(), source, { largestInline })).rejects.toThrow(
      `the weight "W" has ${words} bytes than its shape [2,300]`,
    );
    expect(readdirSync(join(bad, '..'))).toEqual([]);
  });
});

it('the same weights give the same bytes', async () => {
  const paths = ['a.onnx', 'b.onnx'].map((name) => join(folder, 'same', name));
  for (const path of paths) await writeModel(path, affine(), inPieces);
  expect(readFileSync(paths[0]).equals(readFileSync(paths[1]))).toBe(true);
});
