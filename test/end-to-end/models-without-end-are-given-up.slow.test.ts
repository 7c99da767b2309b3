/** About src/commands/ppl.ts, bench.ts, frontier.ts and gen.ts, src/cli/measuring-command.ts */
import { beforeAll, it } from 'vitest';
import { patient } from '../support/patience.js';
import { finished, fixture, startDuoEval } from '../support/run.js';
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

it.each([
  ['gen', ['--steps', '2', '--reference-dataset', 'text.txt']],
  ['bench', ['--steps', '2', '--reference-dataset', 'text.txt', '--no-memory']],
  ['frontier', ['--steps', '2', '--reference-dataset', 'text.txt', '--judge', fixture('markov-ar.onnx')]],
])('after --timeout in %s, where MAUVE is to read texts by it', async (command, flags) => {
  const sampled = ['--model', fixture('markov-duo.onnx'), '--samples', '2', '--length', '16'];
  const args = [command, ...sampled, ...flags, '--mauve', 'endless.onnx', '--timeout', '3'];
  expectFailure(await space.run(args), { exit: 3, says: 'no answer from the runtime in 3 s' });
});

it('a few seconds after Ctrl-C, with a sentence', async () => {
  const child = startDuoEval(ppl, { folder: space.folder });
  setTimeout(() => child.kill('SIGINT'), patient(2000));
  expectFailure(await finished(child), { exit: 130, says: 'Interrupted.' });
});
