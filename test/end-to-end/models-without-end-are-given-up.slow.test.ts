/** About src/commands/ppl.ts */
import { beforeAll, it } from 'vitest';
import { patient } from '../support/patience.js';
import { finished, startDuoEval } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';
import { endless, writeModel } from './small-models.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
  space.write('text.txt', 'All happy families are alike. '.repeat(20));
  writeModel(space, 'endless', endless());
});

const ppl = ['ppl', '--model', 'endless.onnx', '--dataset', 'text.txt'];

it('after --timeout, with a sentence', async () => {
  expectFailure(await space.run([...ppl, '--timeout', '1']), {
    exit: 3,
    says: 'no answer from the runtime in 1 s',
    hint: 'Allow more time',
  });
});

it('a few seconds after Ctrl-C, with a sentence', async () => {
  const child = startDuoEval(ppl, { folder: space.folder });
  setTimeout(() => child.kill('SIGINT'), patient(2000));
  expectFailure(await finished(child), { exit: 130, says: 'Interrupted.' });
});
