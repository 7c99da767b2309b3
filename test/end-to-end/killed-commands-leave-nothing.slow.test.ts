/** About src/commands/convert.ts, src/commands/datasets/pack.ts and src/commands/cache/clear.ts. */
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/patience.js';
import { fixture, startDuoEval } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

const TEMPORARY = /^\.duo-eval-.*\.tmp$/;
/** What is being written must have begun: so many bytes of it are there. */
const BEGUN = 2 ** 16;

let space: Workspace;

beforeAll(() => {
  space = workspace();
  // A minute of work, of which some MiB are written early.
  space.write(
    'long.txt',
    'Four score and seven years ago our fathers brought forth a new nation.\n'.repeat(2 ** 20),
  );
});

const CONVERT = ['convert', '--random', '--arch', 'causal', '--hidden-size', '768', '--blocks', '6'];
const PACK = ['datasets', 'pack', 'long.txt', '--tokenizer', fixture('tokenizer'), '--length', '128'];

/** Files that are being written, or were, under a folder. */
function temporaries(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => TEMPORARY.test(basename(name)))
    .map((name) => join(folder, name));
}

/** Starts a command, and ends it by a signal while it writes. @returns how it ended, and what it was writing */
async function ended(args: string[], signal: NodeJS.Signals): Promise<{ by: unknown; writing: string[] }> {
  const child = startDuoEval(args, { folder: space.folder, stdio: 'ignore' });
  const exit = once(child, 'exit');
  let writing: string[] = [];
  await until(() => {
    if (child.exitCode !== null)
      throw new Error(`it ended with ${child.exitCode} before it could be stopped`);
    writing = temporaries(space.folder).filter(
      (path) => path.includes(`-${child.pid}-`) && statSync(path).size >= BEGUN,
    );
    return writing.length > 0;
  }, 2);
  child.kill(signal);
  const [status, by] = await exit;
  return { by: by ?? status, writing };
}

describe('a convert', () => {
  const arguments_ = (out: string) => [...CONVERT, '--vocab', '8192', '--out', out];

  it('that is told to end leaves no file', async () => {
    const { by } = await ended(arguments_('told/model.onnx'), 'SIGTERM');
    expect(by).toBe(75);
    expect(readdirSync(space.at('told'))).toEqual([]);
  });

  it('that is killed leaves one, which the next in that folder removes', async () => {
    const { by, writing } = await ended(arguments_('killed/model.onnx'), 'SIGKILL');
    expect(by).toBe('SIGKILL');
    expect(temporaries(space.at('killed'))).toEqual(writing);
    await succeed(space, [
      ...CONVERT.slice(0, 4),
      '--size',
      'tiny',
      '--vocab',
      '300',
      '--out',
      'killed/small.onnx',
    ]);
    expect(temporaries(space.at('killed'))).toEqual([]);
    expect(readdirSync(space.at('killed')).sort()).toEqual(['small.card.json', 'small.onnx']);
  });
});

describe('a pack', () => {
  it('that is told to end leaves no file in the cache', async () => {
    const { by } = await ended(PACK, 'SIGTERM');
    expect(by).toBe(75);
    expect(temporaries(space.folder)).toEqual([]);
  });

  it('that is killed leaves one, which the next pack removes', async () => {
    const { writing } = await ended(PACK, 'SIGKILL');
    expect(temporaries(space.folder)).toEqual(writing);
    space.write('short.txt', 'Four score and seven years ago. '.repeat(100));
    await succeed(
      space,
      PACK.map((argument) => (argument === 'long.txt' ? 'short.txt' : argument)),
    );
    expect(temporaries(space.folder)).toEqual([]);
  });

  it('that is killed leaves one, which clearing the cache removes', async () => {
    const { writing } = await ended(PACK, 'SIGKILL');
    expect(temporaries(space.folder)).toEqual(writing);
    await succeed(space, ['cache', 'clear', '--yes']);
    expect(temporaries(space.folder)).toEqual([]);
  });
});
