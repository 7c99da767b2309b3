/** About src/commands/convert.ts */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { duoEval, finished, startDuoEval } from '../support/run.js';

const folder = temporaryFolder().root;

const convert = (...args: string[]) => duoEval(['convert', ...args], { folder });
const tiny = ['--random', '--size', 'tiny', '--blocks', '1', '--vocab-size', '64', '--length', '16'];

describe('convert --random', () => {
  it('writes a model and its card, with the tokenizer relative to the card', async () => {
    const run = await convert(
      ...tiny,
      '--arch',
      'causal',
      '--out',
      'models/ar.onnx',
      '--tokenizer',
      'words',
      '--json',
    );
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toMatchObject({
      schemaVersion: 1,
      model: 'models/ar.onnx',
      data: null,
      card: 'models/ar.card.json',
    });
    const card = JSON.parse(readFileSync(join(folder, 'models/ar.card.json'), 'utf8'));
    expect(card).toMatchObject({ family: 'ar', tokenizer: '../words', vocabSize: 64, length: 16 });
  });

  it('says in a table what it wrote, and that the card names no tokenizer', async () => {
    const run = await convert(...tiny, '--arch', 'dit', '--out', 'dit.onnx');
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(
      /^model +dit\.onnx\ncard +dit\.card\.json\nparameters +[\d,]+\nbytes +[\d,]+\n$/,
    );
    expect(run.stderr).toMatch(/names no tokenizer/);
  });

  it.each([
    [['int8'], /products +of int8, and int8 with a scale per token\nprocessor +has /],
    [['int4'], /products +of int4, and int8 with a scale per block of a token\nprocessor +has /],
    [['int8', '--activations', 'float32'], /products +of float32; int8 is widened at each call/],
  ])('says of %j what its products are of', async (kind, rows) => {
    const run = await convert(...tiny, '--arch', 'dit', '--out', 'few.onnx', '--dtype', ...kind);
    expect(run.stdout).toMatch(rows);
  });

  it.each([
    [['--arch', 'dit', '--vocab-size', '64', '--out', 'x.onnx'], /No source of weights is given/],
    [[...tiny, '--arch', 'dot', '--out', 'x.onnx'], /Did you mean dit\?/],
    [[...tiny, '--arch', 'dit', '--heads', '7', '--out', 'x.onnx'], /7 heads do not divide the width 256/],
    [[...tiny, '--arch', 'dit', '--out', 'x'], /does not end with \.onnx/],
    [[...tiny, '--arch', 'dit', '--out', 'x.onnx', '--int4-block', '64'], /--int4-block is for --dtype int4/],
    [
      [...tiny, '--arch', 'dit', '--out', 'x.onnx', '--dtype', 'int8', '--int4-symmetric'],
      /is for --dtype int4/,
    ],
    [
      [...tiny, '--arch', 'dit', '--out', 'x.onnx', '--dtype', 'float16', '--activations', 'int8'],
      /--activations is for --dtype int8 and int4/,
    ],
  ])('%j is refused with a sentence and exit 2', async (args, sentence) => {
    const run = await convert(...args);
    expect(run.stderr).toMatch(sentence);
    expect(run.stderr).not.toMatch(/\n\s+at /);
    expect(run.code).toBe(2);
  });

  it('a place that is no folder is exit 6', async () => {
    writeFileSync(join(folder, 'file'), '');
    const run = await convert(...tiny, '--arch', 'dit', '--out', 'file/x.onnx');
    expect(run.stderr).not.toMatch(/\n\s+at /);
    expect(run.code).toBe(6);
  });
});

it('Ctrl-C in the middle leaves no file', async () => {
  const place = temporaryFolder().root;
  const large = ['--random', '--arch', 'dit', '--size', 'small', '--vocab-size', '50258', '--dtype', 'int4'];
  const child = startDuoEval(['convert', ...large, '--out', 'out/m.onnx'], { folder: place });
  const ran = finished(child);
  const begun = () => {
    const names = existsSync(join(place, 'out')) ? readdirSync(join(place, 'out')) : [];
    return names.some((name) => statSync(join(place, 'out', name)).size > 100_000);
  };
  while (!begun() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  await ran;
  expect(child.exitCode).toBe(130);
  expect(readdirSync(join(place, 'out'))).toEqual([]);
});
