import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { create, StringStringEntryProtoSchema, TensorProto_DataLocation } from '../../src/graph/onnx.js';
import { checkpointOfGraph, openCheckpoint } from '../../src/models/checkpoint.js';
import { smallNetwork, writeCheckpoint, writeModel } from './small-network.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('the sha256 of a checkpoint', () => {
  it('is the model file’s', async () => {
    const path = writeModel(smallNetwork());
    const checkpoint = await openCheckpoint(path, { family: 'ar' });
    expect(await checkpoint.sha256()).toBe(sha256(readFileSync(path)));
  });

  it('changes with the external data', async () => {
    const graph = smallNetwork();
    const [tensor] = graph.proto.initializer;
    const weights = tensor.rawData;
    tensor.rawData = new Uint8Array();
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    tensor.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: 'weights.bin' })];
    const path = writeModel(graph);
    const data = join(dirname(path), 'weights.bin');
    writeFileSync(data, weights);
    const first = await (await openCheckpoint(path, { family: 'ar' })).sha256();
    const changed = Uint8Array.from(weights);
    changed[0] ^= 1;
    writeFileSync(data, changed);
    const second = await (await openCheckpoint(path, { family: 'ar' })).sha256();
    expect(second).not.toBe(first);
    expect(first).not.toBe(sha256(readFileSync(path)));
  });

  it('that a card names must be the file’s', async () => {
    const graph = smallNetwork();
    const right = sha256(graph.toBytes());
    const good = await openCheckpoint(writeCheckpoint({ family: 'ar', sha256: right.toUpperCase() }, graph));
    expect(await good.sha256()).toBe(right);
    const wrong = `${right.startsWith('0') ? '1' : '0'}${right.slice(1)}`;
    await expect(
      openCheckpoint(writeCheckpoint({ family: 'ar', sha256: wrong }, graph)),
    ).rejects.toMatchObject({
      code: 'sha256-mismatch',
    });
  });

  it('is refused once the file has changed under it', async () => {
    const path = writeModel(smallNetwork());
    const checkpoint = await openCheckpoint(path, { family: 'ar' });
    checkpoint.verifyUnchanged();
    appendFileSync(path, Buffer.from([0x12, 0x00]));
    expect(() => checkpoint.verifyUnchanged()).toThrow(/changed while it was in use/);
    await expect(checkpoint.sha256()).rejects.toMatchObject({ code: 'model-changed' });
  });
});

describe('a graph made in memory', () => {
  it('is a checkpoint without a path, each copy of its graph its own', async () => {
    const checkpoint = checkpointOfGraph(
      smallNetwork({ sigma: true }),
      { family: 'duo', length: 8 },
      'chain',
    );
    expect(checkpoint).toMatchObject({ name: 'chain', path: null, folder: '', family: 'duo', vocabSize: 32 });
    checkpoint.graph().clearOutputs();
    expect(checkpoint.graph().outputs.map(({ name }) => name)).toEqual(['logits']);
    expect(await checkpoint.sha256()).toMatch(/^[0-9a-f]{64}$/);
  });
});
