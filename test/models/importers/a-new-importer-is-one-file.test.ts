/** A toy that follows "Add an importer" of CONTRIBUTING.md: the reference's network under names with slashes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { architectures } from '../../../src/models/architectures/index.js';
import type { Parameter } from '../../../src/models/architectures/parameters.js';
import {
  checkTensors,
  type ImportedModel,
  namedSource,
  shapeOutIn,
} from '../../../src/models/importers/imported-model.js';
import { readSafetensors } from '../../../src/models/importers/safetensors.js';
import type { StoredTensors } from '../../../src/models/importers/stored-tensor.js';
import { saveNetwork } from '../../../src/models/save-checkpoint.js';
import { fileOf, folder, folderWith, hubConfig, largestDifference, logitsOf, oracle } from './published.js';

const theirName = ({ name }: { name: string }) => `net/${name.replaceAll('.', '/')}`;

/** A file as the other program would have saved it. */
function slashed(drop?: string): string {
  const bytes = readFileSync(fileOf('dit.safetensors'));
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const renamed = Object.fromEntries(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([name, entry]) => [theirName({ name: name.replace(/^backbone\./, '') }), entry])
      .map(([name, entry]) => [name === drop ? 'net/other' : name, entry]),
  );
  const text = Buffer.from(JSON.stringify(renamed));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return join(
    folderWith({ 'model.safetensors': Buffer.concat([size, text, bytes.subarray(8 + length)]) }),
    'model.safetensors',
  );
}

// Step 1: what such a file is recognised by.
const isSlashed = (tensors: StoredTensors) => tensors.has('net/vocab_embed/embedding');

// Step 2: the model: sizes from the tensors, every tensor checked, the card, graph and weights.
function slashedModel(where: string, tensors: StoredTensors): ImportedModel {
  const [vocabSize, hiddenSize] = tensors.get('net/vocab_embed/embedding')!.shape; // isSlashed has seen it
  const size = { hiddenSize, conditionSize: hubConfig.cond_dim, blocks: 2, heads: hubConfig.n_heads };
  const dimensions = { ...size, vocabSize, length: 16 };
  const parameters: Parameter[] = architectures.dit.parameters(dimensions);
  checkTensors(
    where,
    parameters.map((parameter) => ({ name: theirName(parameter), shape: shapeOutIn(parameter) })),
    tensors,
    (name) => name === theirName({ name: 'rotary_emb.inv_freq' }),
  );
  return {
    parameters,
    graph: (options) => architectures.dit.checkpointGraph(dimensions, options),
    source: namedSource(tensors, theirName, true),
    card: { family: 'duo', vocabSize, length: 16, architecture: { name: 'dit', ...size } },
    notices: [],
  };
}

describe('an importer that is added as CONTRIBUTING.md says', () => {
  it('gives PyTorch’s logits', async () => {
    const path = slashed();
    const tensors = await readSafetensors(path);
    expect(isSlashed(tensors)).toBe(true);
    const { notices, ...network } = slashedModel(path, tensors);
    expect(notices).toEqual([]);
    const saved = await saveNetwork(join(folder, 'slashed.onnx'), network);
    expect(largestDifference(await logitsOf(saved.path), oracle.dit)).toBeLessThan(1e-4);
  });

  it('names a tensor that is missing, and one that has no place', async () => {
    const path = slashed('net/blocks/0/norm1/weight');
    const tensors = await readSafetensors(path);
    expect(() => slashedModel(path, tensors)).toThrow(
      /"net\/blocks\/0\/norm1\/weight" \[8\] is missing; "net\/other" has no place/,
    );
  });
});
