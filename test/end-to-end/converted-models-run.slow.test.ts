/** About src/commands/convert.ts */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileOf, hubConfig } from '../models/importers/published.js';
import { root } from '../support/run.js';
import { succeed, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';

const space = workspace();

const data = join(root, '..', 'shared', 'data');
const stories = join(data, 'stories260K', 'stories260K.bin');
const whyNot = existsSync(stories) ? '' : ' (skipped: needs ../shared/data, which is not here)';
const start = (file: string, length: number) => readFileSync(join(data, file), 'utf8').slice(0, length);

describe('convert SOURCE', () => {
  it('says what it wrote, where the tokenizer is missing, and what it assumed', async () => {
    space.write(
      'duo/config.json',
      JSON.stringify({ ...hubConfig, model_length: undefined, model_type: 'mdlm' }),
    );
    space.write('duo/model.safetensors', readFileSync(fileOf('dit.safetensors')));
    const ran = await succeed(space, ['convert', 'duo', '--out', 'mdlm.onnx']);
    expect(ran.stdout).toMatch(
      /^model +mdlm\.onnx\ncard +mdlm\.card\.json\nfamily +mdlm\nparameters +4,211\nbytes +[\d,]+\n$/,
    );
    expect(ran.stderr).toMatch(/mask token is taken to be the last, 10: --mask-token-id/);
    expect(ran.stderr).toMatch(/1024 is assumed; --length says otherwise/);
    expect(ran.stderr).toMatch(/names no tokenizer/);
    const card = JSON.parse(space.read('mdlm.card.json'));
    expect(card).toMatchObject({ family: 'mdlm', maskTokenId: 10, length: 1024, timeConditioning: false });
  });

  it.each<[string, string[], number, RegExp]>([
    ['weights that are not there', ['none'], 3, /There is no file or folder none/],
    ['a folder without weights', ['empty'], 3, /has no weights/],
    ['sizes of weights that have their own', ['duo', '--blocks', '3'], 2, /--blocks is for --random/],
    ['a revision of a folder', ['duo', '--revision', 'main'], 2, /--revision belongs to hf:owner\/name/],
    ['two sources', ['duo', '--random'], 2, /Both --random and duo/],
    ['a pointer in their place', ['text.safetensors'], 3, /is a Git LFS pointer/],
    ['a pickle that wants to run code', [fileOf('runs-code.ckpt')], 3, /asks for "posix\.system"/],
  ])('%s is a sentence', async (_what, args, exit, says) => {
    space.write('empty/README.md', '');
    space.write('text.safetensors', 'version https://git-lfs.github.com/spec/v1');
    space.write('duo/model.safetensors', readFileSync(fileOf('dit.safetensors')));
    expectFailure(await space.run(['convert', ...args, '--out', 'x.onnx']), { exit, says });
    expect(existsSync(space.at('x.onnx'))).toBe(false);
    expect(existsSync(space.at('ran-code'))).toBe(false);
  });
});

describe.skipIf(whyNot)(`llama2.c's stories260K, converted${whyNot}`, () => {
  it('costs what ppl says that it costs to keep it as float16 and as int8', async () => {
    space.write('text.txt', start('tinystories/TinyStories-train.slice.txt', 20_000));
    const models = ['float32', 'float16', 'int8'].flatMap((dtype) => ['--model', `${dtype}.onnx`]);
    for (const dtype of ['float32', 'float16', 'int8'])
      await succeed(space, ['convert', stories, '--out', `${dtype}.onnx`, '--dtype', dtype]);
    const { stdout } = await succeed(space, ['ppl', ...models, '--dataset', 'text.txt', '--json']);
    const { results, comparisons } = JSON.parse(stdout);
    expect(results).toHaveLength(3);
    const cost = (name: string) =>
      Math.abs(
        comparisons.find(({ a, b }: { a: string; b: string }) => a === 'float32' && b === name).deltaNll,
      );
    expect(cost('float16')).toBeLessThan(0.001);
    expect(cost('int8')).toBeLessThan(0.01);
    expect(cost('int8')).toBeGreaterThan(0);
  });

  it('writes its story through the sampler of autoregressive models', async () => {
    await succeed(space, ['convert', stories, '--out', 'stories.onnx']);
    const flags = ['--sampler', 'ar', '--top-k', '1', '--samples', '1', '--length', '48'];
    await succeed(space, ['sample', '--model', 'stories.onnx', ...flags, '--out', 'story.jsonl']);
    expect(JSON.parse(space.read('story.jsonl').split('\n')[1]).text).toMatch(
      /Once upon a time, there was a little girl named Lily\. She loved to play outside in the park/,
    );
  });

  it('judges: stories are likely to it, news is not, by as much as it gives a token', async () => {
    await succeed(space, ['convert', stories, '--out', 'judge.onnx']);
    const judged: number[] = [];
    const texts = [
      start('tinystories/TinyStories-train.slice.txt', 700),
      start('lm1b/1b_benchmark.dev.tokens', 500),
    ];
    for (const [i, text] of texts.entries()) {
      const environment = {
        tool: 't',
        node: 'n',
        onnxruntime: null,
        provider: null,
        threads: null,
        cpu: null,
      };
      const header = {
        ...{
          schemaVersion: 1,
          kind: 'samples',
          length: 200,
          seed: 1,
          temperature: 1,
          topK: null,
          topP: null,
        },
        ...{ vocabSize: 2, tokenizerSha256: null, count: 1, prompt: false, protocol: 'strict', environment },
        model: { name: 'nobody', family: 'ar', sha256: null, path: null },
        sampler: { name: 'ar', options: {}, steps: 1 },
      };
      const sample = { sample: 0, tokens: Array(200).fill(1), text, nfe: 1, seconds: 1 };
      space.write(`${i}.jsonl`, `${JSON.stringify(header)}\n${JSON.stringify(sample)}\n`);
      const flags = ['--judge', 'judge.onnx', '--protocol', 'strict', '--json'];
      const { stdout } = await succeed(space, ['gen', `${i}.jsonl`, ...flags]);
      judged.push(JSON.parse(stdout).results[0].metrics.genPpl.value);
    }
    expect(judged[0]).toBeLessThan(judged[1] / 5);
  });
});
