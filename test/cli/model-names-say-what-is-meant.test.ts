import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hubModelsIn } from '../../src/cli/hub-models.js';
import { resolveFrom } from '../../src/evals/suite/named-files.js';
import { parseModelSpec } from '../../src/library/checkpoints.js';
import { describeCheckpoint } from '../../src/models/checkpoint.js';
import { temporaryFolder } from '../support/folder.js';

describe('--model', () => {
  it.each([
    ['a=b.onnx', { name: 'a', path: 'b.onnx' }],
    ['x=a=b.onnx', { name: 'x', path: 'a=b.onnx' }],
    ['./a=b.onnx', { name: undefined, path: './a=b.onnx' }],
    ['x=./hf:y.onnx', { name: 'x', path: './hf:y.onnx' }],
  ])('%s is read as it says', (spec, meant) => {
    expect(parseModelSpec(spec)).toEqual(meant);
  });

  it('means the file whose name holds =, where there is one and no other', () => {
    const folder = temporaryFolder().root;
    mkdirSync(join(folder, 'a=b'));
    writeFileSync(join(folder, 'a=b/m.onnx'), '');
    const before = process.cwd();
    process.chdir(folder);
    try {
      expect(parseModelSpec('a=b/m.onnx')).toEqual({ name: undefined, path: 'a=b/m.onnx' });
      mkdirSync(join(folder, 'b'));
      writeFileSync(join(folder, 'b/m.onnx'), '');
      expect(parseModelSpec('a=b/m.onnx')).toEqual({ name: 'a', path: 'b/m.onnx' });
    } finally {
      process.chdir(before);
    }
  });

  it('begins with ./ for a file called hf:…, in a suite too', () => {
    expect(hubModelsIn({ model: ['./hf:x.onnx', 'a=./hf:x.onnx'] })).toEqual([]);
    expect(resolveFrom('.', './hf:x.onnx')).toBe('./hf:x.onnx');
    expect(resolveFrom('.', 'hf:owner/name')).toBe('hf:owner/name');
  });

  it('of the form owner/name may be a repository of the hub', () => {
    expect(() => describeCheckpoint('s-sahoo/duo')).toThrow(
      expect.objectContaining({
        code: 'model-not-found',
        hint: expect.stringContaining('--model hf:s-sahoo/duo'),
      }),
    );
    expect(() => describeCheckpoint('models/duo.onnx')).toThrow(
      expect.objectContaining({ hint: 'Check the path given to --model.' }),
    );
  });
});
