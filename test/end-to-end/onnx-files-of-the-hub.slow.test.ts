/** About src/cli/hub-models.ts */
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.js';
import { create, StringStringEntryProtoSchema, TensorProto_DataLocation } from '../../src/graph/onnx.js';
import { localHub } from '../support/hub.js';
import { fixture } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';
import { smallModel } from './small-models.js';

const hub = await localHub();
let space: Workspace;
let commit: string;

/** The model with its table in a file of its own, as exporters keep weights past 2 GB. */
function withExternalData(location: string): { graph: Graph; weights: Buffer } {
  const graph = smallModel();
  const [table] = graph.proto.initializer;
  const weights = Buffer.from(table.rawData);
  table.rawData = new Uint8Array(0);
  table.dataLocation = TensorProto_DataLocation.EXTERNAL;
  table.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: location })];
  return { graph, weights };
}

beforeAll(() => {
  space = workspace();
  space.write('text.txt', 'All happy families are alike. '.repeat(20));
  const large = withExternalData('model_fp16.onnx_data');
  const elsewhere = withExternalData('weights.bin');
  const config = {
    architectures: ['GPT2LMHeadModel'],
    n_positions: 16,
    bos_token_id: 256,
    eos_token_id: 256,
  };
  const bytes = (graph: Graph) => Buffer.from(graph.toBytes());
  commit = hub.put('tiny/exported', [
    { path: 'config.json', content: Buffer.from(JSON.stringify(config)) },
    { path: 'tokenizer.json', content: readFileSync(fixture('tokenizer/tokenizer.json')) },
    { path: 'onnx/model.onnx', content: bytes(smallModel()), isLarge: true },
    { path: 'onnx/model_fp16.onnx', content: bytes(large.graph) },
    { path: 'onnx/model_fp16.onnx_data', content: large.weights, isLarge: true },
    { path: 'onnx/model_lost.onnx', content: bytes(elsewhere.graph) },
    { path: 'onnx/decoder_with_past_model.onnx', content: bytes(smallModel()) },
  ]);
});

const run = (...args: string[]) => space.run(args, { HF_ENDPOINT: hub.url });
const ppl = (...models: string[]) =>
  run('ppl', ...models.flatMap((model) => ['--model', model]), '--dataset', 'text.txt', '--json');

describe('a repository that holds ONNX files', () => {
  it('without the name of one gives the whole model, and says what else there is', async () => {
    const { code, stdout, stderr } = await ppl('hf:tiny/exported', 'fp16=hf:tiny/exported:fp16');
    expect(code, stderr).toBe(0);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(
      'tiny/exported has no weights to convert: its onnx/model.onnx is used. It also has onnx/model_fp16.onnx, onnx/model_lost.onnx; hf:tiny/exported:q4 would take the one ending with _q4.',
    );
    expect(stderr).not.toContain('to convert it');
    const [whole, half] = JSON.parse(stdout).results;
    expect(whole.model).toMatchObject({
      name: 'exported',
      path: `hf:tiny/exported/onnx/model.onnx@${commit}`,
    });
    expect(half.model.path).toBe(`hf:tiny/exported/onnx/model_fp16.onnx@${commit}`);
    hub.asked.length = 0;
    expect((await ppl('hf:tiny/exported', 'fp16=hf:tiny/exported:fp16')).code).toBe(0);
    expect(hub.asked).toEqual([]);
  });

  it('and a variant that it has not is answered with which there are', async () => {
    expectFailure(await run('ppl', '--model', 'hf:tiny/exported:q4', '--dataset', 'text.txt', '--quiet'), {
      exit: 3,
      says: 'has no ONNX file whose name ends with "_q4". It has onnx/model.onnx, onnx/model_fp16.onnx, onnx/model_lost.onnx.',
      hint: 'hf:tiny/exported/onnx/model.onnx',
    });
  });

  it('and the name of one takes it, with weights beside it, tokenizer and configuration', async () => {
    const models = ['hf:tiny/exported/onnx/model.onnx', 'hf:tiny/exported/onnx/model_fp16.onnx'];
    const { code, stdout, stderr } = await ppl(...models);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(`of tiny/exported at ${commit.slice(0, 12)}.\n`);
    const [whole, parted] = JSON.parse(stdout).results;
    expect(whole.model).toMatchObject({
      name: 'exported',
      family: 'ar',
      path: `hf:tiny/exported/onnx/model.onnx@${commit}`,
    });
    expect(parted.model.name).toBe('exported-model_fp16');
    expect(whole.protocol.length).toBe(16);
    expect(parted.metrics).toEqual(whole.metrics);

    // It is there now: nothing is asked again, and the cache knows its files.
    hub.asked.length = 0;
    expect((await ppl(...models)).code).toBe(0);
    expect(hub.asked).toEqual([]);
    expect((await run('cache', 'clear', 'models', '--yes')).code).toBe(0);
    expect(readdirSync(space.at('.cache/models'))).toEqual([]);
  });

  it.each([
    ['a file that is not there', 'hf:tiny/exported/onnx/model_q4.onnx', 'has no file onnx/model_q4.onnx', 3],
    ['weights that are not there', 'hf:tiny/exported/onnx/model_lost.onnx', 'should lie in "weights.bin"', 3],
  ])('and %s is a sentence', async (_, model, says, exit) => {
    expectFailure(await run('ppl', '--model', model, '--dataset', 'text.txt', '--quiet'), { exit, says });
  });

  it('is not converted where one is named', async () => {
    const ran = await run('convert', 'hf:tiny/exported/onnx/model.onnx', '--out', 'x.onnx');
    expectFailure(ran, { exit: 2, says: 'there is nothing to convert', hint: '--model hf:tiny' });
  });
});
