/** About src/commands/run.ts */
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { fileOf, hubConfig } from '../models/importers/published.js';
import { localHub } from '../support/hub.js';
import { type Workspace, workspace } from '../support/workspace.js';

const hub = await localHub();
let space: Workspace;
beforeAll(() => {
  space = workspace();
  hub.answer = () => false;
});

/** Ten letters and the end of a text. */
const tokenizer = {
  version: '1.0',
  added_tokens: [{ id: 10, content: '<|endoftext|>', special: true }],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: 'BPE',
    vocab: Object.fromEntries([...'abcdefghiĠ', '<|endoftext|>'].map((letter, id) => [letter, id])),
    merges: [],
  },
};
const json = (value: object) => Buffer.from(JSON.stringify(value));

it('a suite may name a model of the hub, which is fetched once and keeps its commit', async () => {
  const commit = hub.put('tiny/duo', [
    { path: 'README.md', content: Buffer.from('# A model') },
    { path: 'config.json', content: json(hubConfig) },
    { path: 'model.safetensors', content: readFileSync(fileOf('dit.safetensors')), isLarge: true },
    { path: 'tokenizer.json', content: json(tokenizer) },
  ]);
  space.write('text.txt', 'abc def ghi '.repeat(60).trim());
  space.write('suite.yaml', 'models: ["hf:tiny/duo"]\ndatasets: [text.txt]\nppl: {limit: 4}\n');
  const run = () => space.run(['run', 'suite.yaml', '--json'], { HF_ENDPOINT: hub.url });
  const first = await run();
  expect(first).toMatchObject({ code: 0 });
  expect(first.stderr).toContain('of tiny/duo at');
  expect(JSON.parse(first.stdout).results[0].model).toMatchObject({
    name: 'duo',
    path: `hf:tiny/duo@${commit}`,
  });
  hub.asked.length = 0;
  const again = await run();
  expect(again.stdout).toBe(first.stdout);
  expect(hub.asked).toEqual([]);
});
