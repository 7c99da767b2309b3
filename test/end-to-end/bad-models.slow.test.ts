/** About src/commands/ppl.ts */
import { mkdirSync, symlinkSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { create, StringStringEntryProtoSchema, TensorProto_DataLocation } from '../../src/graph/onnx.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';
import { smallCard, smallModel, writeModel } from './small-models.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
  space.write(
    'text.txt',
    'All happy families are alike; each unhappy family is unhappy in its own way. '.repeat(8),
  );
  writeModel(space, 'good', smallModel());
});

const ppl = (model: string, ...more: string[]) =>
  space.run(['ppl', '--model', model, '--dataset', 'text.txt', ...more]);

describe('a file that is no model', () => {
  it('that is not there', async () => {
    expectFailure(await ppl('gone.onnx'), {
      exit: 3,
      says: 'There is no file gone.onnx.',
      hint: 'Check the path given to --model.',
    });
  });

  it.each([
    ['empty.onnx', '', /empty\.onnx is not an ONNX model: the file is empty\./],
    ['text.onnx', 'These are not the weights you are looking for.\n', /text\.onnx is not an ONNX model: /],
    [
      'zip.onnx',
      Uint8Array.from([0x50, 0x4b, 3, 4, ...new Array(600).fill(0)]),
      /zip\.onnx is not an ONNX model: /,
    ],
  ])('%s', async (name, content, says) => {
    space.write(name, content);
    expectFailure(await ppl(name), { exit: 3, says, hint: /Give the \.onnx file itself/ });
  });

  it('that is a folder', async () => {
    mkdirSync(space.at('folder.onnx'));
    expectFailure(await ppl('folder.onnx'), {
      exit: 3,
      says: /folder\.onnx cannot be read: it is (a folder|not a regular file)/,
    });
  });
});

describe('a model cut short', () => {
  it.each([0.001, 0.02, 0.3, 0.7, 0.999])('at %f of its bytes', async (share) => {
    const whole = smallModel().toBytes();
    const name = `cut-${share}`;
    space.write(`${name}.onnx`, whole.subarray(0, Math.floor(whole.length * share)));
    space.write(`${name}.card.json`, JSON.stringify(smallCard()));
    expectFailure(await ppl(`${name}.onnx`), {
      exit: 3,
      says: new RegExp(
        `cut-${share}\\.onnx (is cut short or damaged|is not an ONNX model|is not a readable ONNX model)`,
      ),
    });
  });
});

describe('a graph that does not fit the contract', () => {
  it('has no output logits', async () => {
    writeModel(space, 'scores', smallModel({ output: 'scores' }));
    expectFailure(await ppl('scores.onnx'), {
      exit: 3,
      says: 'scores.onnx has no output "logits"; its outputs are: "scores".',
      hint: /Export the model/,
    });
  });

  it('has no known family', async () => {
    writeModel(space, 'whose', smallModel(), { family: undefined });
    expectFailure(await ppl('whose.onnx'), {
      exit: 3,
      says: /whose\.onnx: no family is known/,
      hint: /Give --family ar\|mdlm\|sedd\|bd3lm/,
    });
  });

  it('has no known tokenizer', async () => {
    writeModel(space, 'mute', smallModel(), { tokenizer: undefined });
    expectFailure(await ppl('mute.onnx'), {
      exit: 3,
      says: /tokenizer mute was trained with/,
      hint: /Give --tokenizer/,
    });
  });

  it('has a card that is wrong, which names its key and the word that was meant', async () => {
    writeModel(space, 'dou', smallModel(), { family: 'dou' as 'duo' });
    expectFailure(await ppl('dou.onnx'), {
      exit: 3,
      says: /dou\.card\.json is wrong at "family"/,
      hint: /Did you mean "duo"\?/,
    });
  });
});

describe('sizes that are not the file’s', () => {
  it.each([
    [
      'a shape larger than its bytes',
      [257n, 258n],
      /the tensor "table_0" has 264196 bytes where its shape \[257,258\] of float32 needs 265224/,
    ],
    [
      'a shape that no machine holds',
      [2n ** 40n, 2n ** 40n],
      /the tensor "table_0" has 264196 bytes where its shape/,
    ],
    ['a negative size', [-257n, -257n], /the tensor "table_0" declares a negative size/],
  ])('%s', async (name, dims, says) => {
    const graph = smallModel();
    graph.proto.initializer[0].dims = dims;
    const file = writeModel(space, name.replaceAll(' ', '-'), graph);
    expectFailure(await ppl(file), { exit: 3, says });
  });

  it('an input of an implausible length', async () => {
    const file = writeModel(space, 'endless', smallModel({ length: 2 ** 40 }));
    expectFailure(await ppl(file), { exit: 3, says: /endless\.onnx: .*"input_ids"/ });
  });

  it('external data beyond the end of their file', async () => {
    space.write('weights.bin', new Uint8Array(1000));
    const file = writeModel(space, 'beyond', external('weights.bin'));
    expectFailure(await ppl(file), {
      exit: 3,
      says: /the tensor "table_0" lies at bytes 0 to 264196 of "weights\.bin", which has 1000/,
    });
  });
});

describe('external data that leave the folder of the model', () => {
  beforeAll(() => {
    space.write('secret.bin', new Uint8Array(264_196));
    mkdirSync(space.at('models'), { recursive: true });
    symlinkSync(space.at('secret.bin'), space.at('models/link.bin'));
    symlinkSync(space.folder, space.at('models/up'));
  });

  it.each([
    ['by ..', () => '../secret.bin'],
    ['by .. in the middle', () => 'inner/../../secret.bin'],
    ['by an absolute path', () => space.at('secret.bin')],
    ['by a link to a file', () => 'link.bin'],
    ['by a link to a folder', () => 'up/secret.bin'],
  ])('%s', async (name, location) => {
    const file = writeModel(
      space,
      `models/${name.replaceAll(' ', '-').replaceAll('.', '')}`,
      external(location()),
    );
    expectFailure(await ppl(file), {
      exit: 3,
      says: `the weights of "table_0" are said to lie in "${location()}", outside the model's folder.`,
      hint: /Keep external data beside the \.onnx file/,
    });
  });

  it('are used when they lie beside it', async () => {
    const whole = smallModel().proto.initializer[0].rawData;
    space.write('models/table.bin', whole);
    const file = writeModel(space, 'models/beside', external('table.bin'));
    const beside = await ppl(file, '--json');
    const inside = await ppl('good.onnx', '--json');
    expect([beside.code, inside.code]).toEqual([0, 0]);
    expect(JSON.parse(beside.stdout).results[0].metrics).toEqual(
      JSON.parse(inside.stdout).results[0].metrics,
    );
  });
});

/** The small model with its table in a file of its own. */
function external(location: string) {
  const graph = smallModel();
  const [table] = graph.proto.initializer;
  table.rawData = new Uint8Array(0);
  table.dataLocation = TensorProto_DataLocation.EXTERNAL;
  table.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: location })];
  return graph;
}
