/** About src/commands/ppl.ts, src/commands/doctor.ts */
import { mkdirSync, readdirSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { smallModel, writeModel } from './small-models.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
  mkdirSync(space.at('tmp'));
  space.write('text.txt', 'All happy families are alike. '.repeat(20));
});

it.each([['ppl', '--model', 'small.onnx', '--dataset', 'text.txt'], ['doctor']])(
  'no file of the runtime is left in TMPDIR by %s',
  async (...args) => {
    writeModel(space, 'small', smallModel());
    // A variable of the user's that asks for telemetry does not bring it back.
    await succeed(space, args, { TMPDIR: space.at('tmp'), ORT_DISABLE_TELEMETRY: '0' });
    expect(readdirSync(space.at('tmp'))).toEqual([]);
  },
);
