import { linkSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.js';
import {
  create,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
} from '../../src/graph/onnx.js';
import { Add } from '../../src/graph/operators.js';
import { readModelFile } from '../../src/graph/read.js';
import { temporaryFolder } from '../support/folder.js';
import { smallNetwork, writeModel } from './small-network.js';

const BYTES = 32 * 16 * 4;

function external(tensor: TensorProto, entries: Record<string, string>): void {
  tensor.rawData = new Uint8Array();
  tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
  tensor.externalData = Object.entries(entries).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
}

function networkWithWeightsAt(entries: Record<string, string>): Graph {
  const graph = smallNetwork();
  external(graph.proto.initializer[0], entries);
  return graph;
}

function codeOf(path: string): string {
  try {
    readModelFile(path);
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('external data', () => {
  it('beside the model are accepted and listed', () => {
    const path = writeModel(
      networkWithWeightsAt({ location: 'weights.bin', offset: '0', length: String(BYTES) }),
    );
    writeFileSync(join(dirname(path), 'weights.bin'), Buffer.alloc(BYTES));
    expect(readModelFile(path).dataFiles.map((file) => basename(file))).toEqual([
      'small.onnx',
      'weights.bin',
    ]);
  });

  it.each([
    '../weights.bin',
    'sub/../../weights.bin',
    '/etc/hostname',
    '',
    'C:\\weights.bin',
    '\\\\host\\share',
  ])('at "%s" are refused', (location) => {
    const folder = temporaryFolder().root;
    mkdirSync(join(folder, 'model'));
    writeFileSync(join(folder, 'weights.bin'), Buffer.alloc(BYTES));
    const graph = networkWithWeightsAt({ location, length: String(BYTES) });
    expect(codeOf(writeModel(graph, 'small.onnx', join(folder, 'model')))).toBe('external-data');
  });

  it('behind a link that leaves the folder are refused', () => {
    const path = writeModel(networkWithWeightsAt({ location: 'weights.bin' }));
    const elsewhere = join(temporaryFolder().root, 'weights.bin');
    writeFileSync(elsewhere, Buffer.alloc(BYTES));
    symlinkSync(elsewhere, join(dirname(path), 'weights.bin'));
    expect(codeOf(path)).toBe('external-data');
  });

  it('behind a linked folder are refused', () => {
    const path = writeModel(networkWithWeightsAt({ location: 'sub/weights.bin' }));
    const elsewhere = temporaryFolder().root;
    writeFileSync(join(elsewhere, 'weights.bin'), Buffer.alloc(BYTES));
    symlinkSync(elsewhere, join(dirname(path), 'sub'));
    expect(codeOf(path)).toBe('external-data');
  });

  it('of a download cache, where model and data are links into one folder, are found', () => {
    const path = writeModel(networkWithWeightsAt({ location: 'small.onnx_data' }));
    const cache = temporaryFolder().root;
    const blobs = join(cache, 'blobs');
    const snapshot = join(cache, 'snapshot');
    for (const folder of [blobs, snapshot]) mkdirSync(folder);
    linkSync(path, join(blobs, 'abc'));
    writeFileSync(join(blobs, 'def'), Buffer.alloc(BYTES));
    symlinkSync(join(blobs, 'abc'), join(snapshot, 'small.onnx'));
    symlinkSync(join(blobs, 'def'), join(snapshot, 'small.onnx_data'));
    const { graph, dataFiles } = readModelFile(join(snapshot, 'small.onnx'));
    expect(dataFiles.map((file) => basename(file))).toEqual(['abc', 'def']);
    expect(graph.proto.initializer[0].externalData[0].value).toBe('def');
  });

  it.each([
    ['a missing file', { location: 'none.bin' }, 'external-data'],
    ['a folder', { location: 'folder' }, 'external-data'],
    ['bytes past the end', { location: 'weights.bin', offset: '1' }, 'tensor-size'],
    ['a negative offset', { location: 'weights.bin', offset: '-1' }, 'tensor-size'],
    ['an offset that is no whole number', { location: 'weights.bin', offset: '1e0' }, 'tensor-size'],
    ['a length that is not the shape’s', { location: 'weights.bin', length: '64' }, 'tensor-size'],
  ])('in %s are refused', (_, entries, code) => {
    const path = writeModel(networkWithWeightsAt(entries as unknown as Record<string, string>));
    writeFileSync(join(dirname(path), 'weights.bin'), Buffer.alloc(BYTES));
    mkdirSync(join(dirname(path), 'folder'));
    expect(codeOf(path)).toBe(code);
  });

  it('with two locations are refused', () => {
    const graph = networkWithWeightsAt({ location: 'weights.bin' });
    const { externalData } = graph.proto.initializer[0];
    externalData.push(create(StringStringEntryProtoSchema, { key: 'location', value: '../weights.bin' }));
    const path = writeModel(graph);
    writeFileSync(join(dirname(path), 'weights.bin'), Buffer.alloc(BYTES));
    expect(codeOf(path)).toBe('external-data');
  });

  it('of a constant inside a body are held to the same', () => {
    const graph = smallNetwork();
    const body = graph.body('body');
    const constant = body.initializer('bias', 'float32', [1], [1]);
    external(body.proto.initializer[0], { location: '../weights.bin' });
    body.output(Add(constant, constant));
    const condition = graph.initializer('condition', 'bool', [], [1]);
    graph.node('If', [condition], {
      outputs: ['float32'],
      attributes: { then_branch: body, else_branch: body },
    });
    expect(codeOf(writeModel(graph))).toBe('external-data');
  });

  it('are not followed when the model itself was moved away from them', () => {
    const path = writeModel(networkWithWeightsAt({ location: 'weights.bin' }));
    const moved = join(temporaryFolder().root, 'small.onnx');
    writeFileSync(join(dirname(path), 'weights.bin'), Buffer.alloc(BYTES));
    renameSync(path, moved);
    expect(codeOf(moved)).toBe('external-data');
  });
});
