/** About src/cli/hub-models.ts, src/commands/cache/clear.ts, src/commands/cache/ls.ts */
import { readdirSync, readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { localHub } from '../support/hub.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';
import { json, model } from './tiny-duo.js';

const hub = await localHub();
let space: Workspace;
beforeEach(() => {
  space = workspace();
  hub.answer = () => false;
  hub.asked.length = 0;
  hub.repos.clear();
});

const run = (...args: string[]) => space.run(args, { HF_ENDPOINT: hub.url });
const text = 'abc def ghi '.repeat(60).trim();
const ppl = (spec: string, ...args: string[]) =>
  run('ppl', '--model', spec, '--dataset', space.write('text.txt', text), '--json', ...args);

describe('ppl --model hf:owner/name', () => {
  it('fetches, converts, and says which commit; then asks the hub no more, whatever it has since', async () => {
    const commit = hub.put('tiny/duo', model);
    const first = await ppl('hf:tiny/duo');
    expect(first).toMatchObject({ code: 0 });
    expect(first.stderr).toMatch(`of tiny/duo at ${commit.slice(0, 12)}, to convert it`);
    const [{ model: said, metrics }] = JSON.parse(first.stdout).results;
    expect(said).toMatchObject({ name: 'duo', family: 'duo', path: `hf:tiny/duo@${commit}` });
    expect(metrics.ppl.value).toBeGreaterThan(1);

    hub.put('tiny/duo', [{ path: 'config.json', content: json({}) }]);
    hub.asked.length = 0;
    const again = await ppl('again=hf:tiny/duo', '--fresh');
    expect(hub.asked).toEqual([]);
    const [result] = JSON.parse(again.stdout).results;
    expect(result.model).toMatchObject({ name: 'again', path: `hf:tiny/duo@${commit}`, sha256: said.sha256 });
    expect(result.metrics.ppl.value).toBe(metrics.ppl.value);
  });

  it('works wherever a model is named: inspect, a judge', async () => {
    const commit = hub.put('tiny/duo', model);
    const inspected = await run('inspect', 'hf:tiny/duo', '--json');
    expect(inspected).toMatchObject({ code: 0 });
    expect(JSON.parse(inspected.stdout).model.path).toBe(`hf:tiny/duo@${commit}`);
    const judged = await run('gen', '--judge', 'hf:tiny/duo', space.write('none.jsonl', ''));
    expect(judged.stderr).not.toMatch(/Fetching/); // it was, by inspect
    expectFailure(judged, {
      exit: 3,
      says: 'hf:tiny/duo is of the family duo; a judge must be autoregressive',
    });
  });

  it('keeps the converted model, not what was fetched, where cache ls shows it and cache clear takes it', async () => {
    const commit = hub.put('tiny/duo', model);
    expect((await ppl('hf:tiny/duo')).code).toBe(0);
    const listed = await run('cache', 'ls');
    expect(listed.stdout).toMatch(`hf:tiny/duo at ${commit.slice(0, 12)}`);
    const entries = readdirSync(space.at('.cache/models'));
    expect(entries.length).toBe(1);
    expect(readdirSync(space.at(`.cache/models/${entries[0]}`)).sort()).toEqual([
      'duo.card.json',
      'duo.onnx',
      'record.json',
      'tokenizer.json',
    ]);
    const record = JSON.parse(readFileSync(space.at(`.cache/models/${entries[0]}/record.json`), 'utf8'));
    expect(record).toMatchObject({ repo: 'tiny/duo', revision: commit });
    expect(record.files.map(({ path }: { path: string }) => path).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
    ]);
    expect((await run('cache', 'clear', 'models', '--yes')).code).toBe(0);
    expect(readdirSync(space.at('.cache/models'))).toEqual([]);
  });

  it.each<[string, string, RegExp, number]>([
    ['a repository that is not there', 'hf:no/such', /has no the revision main of no\/such|has no /, 4],
    ['no name', 'hf:duo', /names no model of the hub/, 2],
    ['a way out of the cache', 'hf:../duo', /names no model of the hub/, 2],
  ])('with %s fails with a sentence', async (_what, spec, message, code) => {
    const failed = await ppl(spec);
    expect(failed.code).toBe(code);
    expect(JSON.parse(failed.stdout).error.message).toMatch(message);
    expect(JSON.parse(failed.stdout).error.hint).not.toMatch(/data set/);
  });

  it('of a repository without weights says so', async () => {
    hub.put('tiny/words', [{ path: 'README.md', content: Buffer.from('# Nothing') }]);
    const failed = await run('ppl', '--model', 'hf:tiny/words');
    expectFailure(failed, { exit: 3, says: /tiny\/words has no weights that can be read/ });
  });
});

it.each([
  ['names', { tokenizer: { name: 'gpt2' } }],
  ['counts, as SEDD’s does,', { tokens: 50_257 }],
])('the tokenizer that a configuration %s comes from its own repository', async (_says, extra) => {
  const [tokenizer, others] = [model.filter(isTokenizer), model.filter((file) => !isTokenizer(file))];
  const config = JSON.parse(others.find(({ path }) => path === 'config.json')!.content.toString());
  hub.put('tiny/untold', [
    ...others.filter(({ path }) => path !== 'config.json'),
    { path: 'config.json', content: json({ ...config, vocab_size: undefined, ...extra }) },
  ]);
  const commit = hub.put('openai-community/gpt2', tokenizer);
  const failedOrDone = await ppl('hf:tiny/untold');
  expect(hub.asked.some(({ url }) => url.includes(`openai-community/gpt2/resolve/${commit}`))).toBe(true);
  // What the second configuration says of the tokens contradicts these tensors.
  if (!('tokens' in extra)) expect(failedOrDone.code).toBe(0);
  else expect(failedOrDone.stdout).toMatch('tokens, with the mask, is 50258');
});
const isTokenizer = ({ path }: { path: string }) => path.startsWith('tokenizer');

describe('convert hf:owner/name', () => {
  it('writes the model here, its tokenizer beside it, and leaves nothing in the cache', async () => {
    const commit = hub.put('tiny/duo-distilled', model);
    const converted = await run(
      'convert',
      'hf:tiny/duo-distilled',
      '--out',
      'here/duo.onnx',
      '--dtype',
      'float16',
    );
    expect(converted).toMatchObject({ code: 0 });
    const card = JSON.parse(readFileSync(space.at('here/duo.card.json'), 'utf8'));
    expect(card).toMatchObject({
      family: 'duo',
      tokenizer: 'duo.tokenizer',
      distilled: true,
      storedAs: 'float16',
      note: `Converted from hf:tiny/duo-distilled@${commit}.`,
    });
    expect(readdirSync(space.at('here')).sort()).toEqual(['duo.card.json', 'duo.onnx', 'duo.tokenizer']);
    expect(readdirSync(space.at('.cache/models'))).toEqual([]);
  });
});
