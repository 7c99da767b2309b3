import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import {
  create,
  GraphProtoSchema,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  toBinary,
} from '../../src/graph/onnx.js';
import { Add, Gather } from '../../src/graph/operators.js';
import { readModelFile } from '../../src/graph/read.js';
import { temporaryFolder } from '../support/folder.js';
import { int64, runGraph } from './run-graph.js';

const ROWS = 600_000;
const WIDTH = 1024;
const BYTES = ROWS * WIDTH * 4; // 2.46 GB, a hole in the file but for the last row
const LAST_ROW = Float32Array.from({ length: WIDTH }, (_, i) => i + 0.25);

/** y = table[ids], for a table whose weights are put elsewhere. */
function lookup(): Graph {
  const graph = Graph.create('lookup');
  const ids = graph.input('ids', 'int64', ['n']);
  graph.proto.initializer.push(
    create(TensorProtoSchema, { name: 'table', dataType: 1, dims: [BigInt(ROWS), BigInt(WIDTH)] }),
  );
  graph.output(Gather(graph.value('table', 'float32'), ids), 'y', ['n', WIDTH]);
  return graph;
}

function writeHoleWithLastRow(path: string, start: number): void {
  const file = openSync(path, start === 0 ? 'w' : 'r+');
  ftruncateSync(file, start + BYTES);
  writeSync(file, new Uint8Array(LAST_ROW.buffer), 0, WIDTH * 4, start + BYTES - WIDTH * 4);
  closeSync(file);
}

/** Appends z = y + 1 and looks the last row up. */
async function appendAndRun(path: string): Promise<Float32Array> {
  const { graph, folder, fileSize } = readModelFile(path);
  graph.output(Add(graph.value('y'), 1), 'z');
  expect(graph.toBytes().length).toBeLessThan(10_000);
  const { z } = await runGraph(graph.toBytes(), folder, { ids: int64([0, ROWS - 1], [2]) });
  expect(fileSize).toBeGreaterThan(0);
  return z.data as Float32Array;
}

function expectRows(z: Float32Array): void {
  expect(z.subarray(0, WIDTH).every((value) => value === 1)).toBe(true);
  expect(Array.from(z.subarray(WIDTH))).toEqual(Array.from(LAST_ROW, (value) => value + 1));
}

/** A protobuf field of wire type 2: its header. */
function header(field: number, length: number): Buffer {
  const bytes = [(field << 3) | 2];
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

describe('an appended graph', () => {
  it('runs on external data of more than 2 GB', async () => {
    const graph = lookup();
    const [table] = graph.proto.initializer;
    table.dataLocation = TensorProto_DataLocation.EXTERNAL;
    table.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: 'table.bin' })];
    const path = join(temporaryFolder().root, 'lookup.onnx');
    writeFileSync(path, graph.toBytes());
    writeHoleWithLastRow(join(dirname(path), 'table.bin'), 0);
    expectRows(await appendAndRun(path));
  });

  it('runs on a model file of more than 2 GB, which protobuf itself cannot hold', async () => {
    const { model, proto } = lookup();
    const [table] = proto.initializer;
    const tensor = toBinary(TensorProtoSchema, table);
    const rawHeader = header(9, BYTES);
    const initializerHeader = header(5, tensor.length + rawHeader.length + BYTES);
    proto.initializer = [];
    const rest = toBinary(GraphProtoSchema, proto);
    const graphLength = rest.length + initializerHeader.length + tensor.length + rawHeader.length + BYTES;
    model.graph = undefined;
    const start = Buffer.concat([
      ...[toBinary(ModelProtoSchema, model), header(7, graphLength), rest],
      ...[initializerHeader, tensor, rawHeader],
    ]);
    const path = join(temporaryFolder().root, 'lookup.onnx');
    writeFileSync(path, start);
    writeHoleWithLastRow(path, start.length);
    expectRows(await appendAndRun(path));
  });
});
