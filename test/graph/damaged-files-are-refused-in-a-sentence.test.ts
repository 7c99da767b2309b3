import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../src/errors.js';
import { readModelFile } from '../../src/graph/read.js';
import { temporaryFolder } from '../support/folder.js';
import { smallNetwork, writeModel } from './small-network.js';

const refusal = (path: string): ModelError | null => {
  try {
    readModelFile(path);
    return null;
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
};

describe('a damaged file', () => {
  it('is refused at whatever byte it is cut', () => {
    const whole = readFileSync(writeModel(smallNetwork({ sigma: true })));
    const path = join(temporaryFolder().root, 'cut.onnx');
    for (let length = 0; length < whole.length; length += length < 400 ? 1 : 37) {
      writeFileSync(path, whole.subarray(0, length));
      const error = refusal(path);
      // The last field is the operator set: without it the model is complete but for its version.
      expect(error, `cut to ${length} of ${whole.length} bytes`).not.toBeNull();
      expect(['not-onnx', 'truncated-model', 'opset', 'broken-graph']).toContain(error!.code);
      expect(error!.message).toMatch(/cut\.onnx.*\.$/);
      expect(error!.hint).toBeTruthy();
    }
  });

  it.each([
    [
      'a number of more than ten bytes',
      [0x10, ...new Array(11).fill(0xff)],
      /a number of more than ten bytes/,
    ],
    ['a field of an unknown wire type', [0x13], /a field of unknown wire type 3/],
    ['a field numbered 0', [0x02, 0x00], /a field numbered 0/],
    ['a fixed-width field that is cut', [0x11, 1, 2], /needs 8 bytes, 2 are there/],
  ])('with %s behind a sound beginning says where', (_what, bytes, says) => {
    const path = join(temporaryFolder().root, 'damaged.onnx');
    writeFileSync(path, Buffer.from([0x08, 0x0a, ...bytes]));
    expect(refusal(path)?.message).toMatch(says);
  });

  it('is called cut short, not foreign, when it began as a model', () => {
    const whole = readFileSync(writeModel(smallNetwork()));
    const path = join(temporaryFolder().root, 'cut.onnx');
    writeFileSync(path, whole.subarray(0, whole.length >> 1));
    expect(refusal(path)?.code).toBe('truncated-model');
  });

  it('is read or refused, never a crash, whichever byte is changed', () => {
    const whole = readFileSync(writeModel(smallNetwork({ vocabSize: 2, width: 2 })));
    const path = join(temporaryFolder().root, 'changed.onnx');
    let refused = 0;
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0x00, 0xff]) {
        const changed = Buffer.from(whole);
        changed[at] = value;
        writeFileSync(path, changed);
        if (refusal(path)) refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });

  it.each([
    ['an empty file', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(1 << 20)],
    ['text', Buffer.from('once upon a time\n'.repeat(100))],
    ['a zip archive, as PyTorch writes', Buffer.from('PK\x03\x04'.repeat(100))],
    ['safetensors', Buffer.from('\x40\x00\x00\x00\x00\x00\x00\x00{"weight":{"dtype":"F32"}}', 'latin1')],
  ])('%s is not ONNX', (_, bytes) => {
    const path = join(temporaryFolder().root, 'other.onnx');
    writeFileSync(path, bytes);
    expect(refusal(path)?.code).toBe('not-onnx');
  });

  it('a folder and a missing file say so', () => {
    const folder = temporaryFolder().root;
    expect(refusal(folder)?.message).toContain('not a regular file');
    expect(refusal(join(folder, 'none.onnx'))?.code).toBe('model-not-found');
  });
});
