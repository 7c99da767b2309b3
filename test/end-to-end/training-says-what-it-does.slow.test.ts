/** About src/commands/train.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';
import { countingWorkspace } from './training-runs.js';

let space: Workspace;
beforeAll(() => {
  space = countingWorkspace('my text.txt');
});

const command = (out: string, ...more: string[]) => [
  'train',
  ...['--family', 'ar', '--dataset', 'my text.txt', '--tokenizer', fixture('tokenizer'), '--out', out],
  ...['--hidden-size', '16', '--blocks', '1', '--heads', '2', '--length', '16', '--steps', '20'],
  ...['--batch', '4', '--threads', '1', ...more],
];

describe('train', () => {
  it('ends with the command to try next, which runs', async () => {
    const { stdout, stderr } = await succeed(space, command('a', '--validation', 'other.txt'));
    expect(stdout).toMatch(/^plot +a\/loss\.html$/m);
    const next = /^To evaluate it: duo-eval (.*)$/m.exec(stderr)?.[1];
    expect(next).toBe('ppl --model a/ar.onnx --dataset other.txt');
    await succeed(space, next!.split(' '));
  });

  it('writes a page of the losses with the command that repeats it', async () => {
    const page = space.read('a/loss.html');
    expect(page).toContain('Step 20 of 20.');
    expect(page).toContain('--dataset &#39;my text.txt&#39; --validation other.txt');
    expect(page).not.toMatch(/--(lr|dtype|seed|json|quiet) /); // as they are anyway
  });

  it('given again, says that it was finished; with another --dtype writes the checkpoint so', async () => {
    const whole = space.read('a/ar.onnx').length;
    const { stderr } = await succeed(space, command('a', '--dtype', 'float16'));
    expect(stderr).toContain('The run is already finished: 20 steps.');
    expect(space.read('a/ar.onnx').length).toBeLessThan(whole);
    await succeed(space, ['ppl', '--model', 'a/ar.onnx', '--dataset', 'other.txt', '--quiet']);
  });

  it('refuses more steps for it, saying why', async () => {
    expectFailure(await space.run(command('a').map((word) => (word === '20' ? '40' : word))), {
      exit: 2,
      says: 'has --steps 20, not 40',
      hint: 'The learning rate depends on the number of steps',
    });
  });

  it('that diverges says at which step, and draws it', async () => {
    expectFailure(await space.run(command('b', '--lr', '1e5', '--warmup', '0')), {
      exit: 5,
      says: /The (loss|gradient) of step \d+ is .*: the run diverges\. Nothing was saved yet\./,
      hint: 'a lower --lr',
    });
    expect(space.read('b/loss.html')).toMatch(/The loss diverged at step \d+\./);
  });
});
