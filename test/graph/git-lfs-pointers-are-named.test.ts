import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { create, StringStringEntryProtoSchema, TensorProto_DataLocation } from '../../src/graph/onnx.js';
import { readModelFile } from '../../src/graph/read.js';
import { temporaryFolder } from '../support/folder.js';
import { smallNetwork, writeModel } from './small-network.js';

const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 548118077\n`;
const failure = (path: string): unknown => {
  try {
    return readModelFile(path);
  } catch (error) {
    return error;
  }
};

it('in place of a model', () => {
  const path = join(temporaryFolder().root, 'model.onnx');
  writeFileSync(path, pointer);
  expect(failure(path)).toMatchObject({
    code: 'git-lfs-pointer',
    exitCode: 3,
    message: expect.stringContaining('model.onnx: it is a Git LFS pointer'),
    hint: expect.stringContaining('git lfs pull'),
  });
});

it('in place of its weights', () => {
  const graph = smallNetwork();
  const [tensor] = graph.proto.initializer;
  tensor.rawData = new Uint8Array(0);
  tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
  tensor.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: 'model.onnx.data' })];
  const folder = temporaryFolder().root;
  const path = writeModel(graph, 'model.onnx', folder);
  writeFileSync(join(folder, 'model.onnx.data'), pointer);
  expect(failure(path)).toMatchObject({
    code: 'external-data',
    message: expect.stringContaining('"model.onnx.data": it is a Git LFS pointer'),
    hint: expect.stringContaining('git lfs pull'),
  });
});
