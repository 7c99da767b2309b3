/** About src/commands/ppl.ts, src/commands/sample.ts, src/commands/likelihood.ts, with BERT and ModernBERT from files of transformers. */
import { beforeAll, describe, expect, it } from 'vitest';
import { encoderFolder, wordPiece } from '../models/importers/encoders.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

const text = 'the cat sat on the mat, and a dog ran. the dogs running on a mat sat. '.repeat(20).trim();

describe.each(['bert', 'modernBert'] as const)('%s', (name) => {
  let space: Workspace;
  beforeAll(async () => {
    space = workspace();
    space.write('text.txt', text);
    space.write('items.jsonl', '{"context": "the cat", "continuation": " sat on the mat"}\n');
    const files = { 'tokenizer.json': wordPiece() };
    await succeed(space, ['convert', encoderFolder(name, { files }), '--out', 'it.onnx']);
  });

  it('is evaluated: the first token is given, all others are scored', async () => {
    const { stdout } = await succeed(space, ['ppl', '--model', 'it.onnx', '--dataset', 'text.txt', '--json']);
    const [{ metrics, cost, model }] = JSON.parse(stdout).results;
    expect(model.family).toBe('mdlm');
    expect(cost.tokens).toBe(cost.sequences * 11); // 12 of a sequence
    // Random weights of this size are not far from a uniform choice of 18 tokens.
    expect(metrics.ppl.value).toBeGreaterThan(5);
    expect(metrics.ppl.value).toBeLessThan(200);
  });

  it('has an exact likelihood under a policy', async () => {
    const exact = ['--likelihood', 'exact', '--policy', 'max-probability'];
    const args = ['ppl', '--model', 'it.onnx', '--dataset', 'text.txt', '--json', ...exact];
    const { stdout } = await succeed(space, args);
    expect(JSON.parse(stdout).results[0].protocol.from).toBe('bos');
  });

  it('writes text that begins with [CLS] and holds no mask', async () => {
    const { stdout } = await succeed(space, [
      'sample',
      '--model',
      'it.onnx',
      '--samples',
      '3',
      '--steps',
      '6',
    ]);
    const samples = stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line));
    expect(samples).toHaveLength(3);
    for (const { tokens } of samples) {
      expect(tokens[0]).toBe(2);
      expect(tokens).not.toContain(4);
    }
  });

  it('scores continuations', async () => {
    const { stdout } = await succeed(space, ['likelihood', '--model', 'it.onnx', '--in', 'items.jsonl']);
    const { bound, evidence } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(bound).toBeLessThanOrEqual(evidence + 1e-9);
    expect(evidence).toBeLessThan(0);
  });
});
