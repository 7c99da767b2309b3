import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readModelFile } from '../../src/graph/read.js';
import { smallNetwork, writeModel } from './small-network.js';

describe('a model that is read', () => {
  it('takes the memory of its structure, whatever its weights weigh', () => {
    const small = readModelFile(writeModel(smallNetwork({ vocabSize: 64, width: 64 })));
    const large = readModelFile(writeModel(smallNetwork({ vocabSize: 2048, width: 256 })));
    expect(statSync(large.path).size).toBeGreaterThan(4_000_000);
    expect(large.graph.toBytes().length).toBeLessThan(small.graph.toBytes().length + 100);
  });

  it('refers to the byte ranges where the weights lie', () => {
    const { graph, dataFiles, path } = readModelFile(writeModel(smallNetwork({ vocabSize: 64, width: 64 })));
    const [embedding] = graph.proto.initializer;
    const entries = Object.fromEntries(embedding.externalData.map(({ key, value }) => [key, value]));
    expect(entries).toMatchObject({ location: 'small.onnx', length: String(64 * 64 * 4) });
    expect(dataFiles).toHaveLength(1);
    expect(dataFiles[0].endsWith('small.onnx') && path.endsWith('small.onnx')).toBe(true);
  });
});
