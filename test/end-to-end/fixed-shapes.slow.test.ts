/** About src/commands/ppl.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';
import { smallModel, writeModel } from './small-models.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
  space.write(
    'text.txt',
    'Happy families are all alike; every unhappy family is unhappy in its own way. '.repeat(6),
  );
  writeModel(space, 'free', smallModel());
});

const ppl = (model: string, ...more: string[]) => ['ppl', '--model', model, '--dataset', 'text.txt', ...more];
const resultOf = (stdout: string) => JSON.parse(stdout).results[0];

describe('a fixed length', () => {
  it('shorter than the card’s is used, and said', async () => {
    const file = writeModel(space, 'short', smallModel({ length: 12 }), { length: 16, family: 'duo' });
    const { stdout, stderr } = await succeed(space, ppl(file, '--json'));
    expect(stderr).toMatch(
      /short\.onnx: the card says length 16, but the graph takes exactly 12 tokens; 12 is used\./,
    );
    expect(resultOf(stdout).protocol.length).toBe(12);
  });

  it('shorter than --length is used, and said', async () => {
    const file = writeModel(space, 'short-flag', smallModel({ length: 12 }), { length: 12, family: 'duo' });
    const { stdout, stderr } = await succeed(space, ppl(file, '--length', '16', '--json'));
    expect(stderr).toMatch(/takes (exactly )?12 tokens/);
    expect(resultOf(stdout).protocol.length).toBe(12);
  });

  it('longer than --length is an error that names the length there is', async () => {
    const file = writeModel(space, 'long', smallModel({ length: 24 }), { length: 24, family: 'duo' });
    expectFailure(await space.run(ppl(file, '--length', '16')), {
      exit: 3,
      says: 'The graph of long takes exactly 24 tokens per sequence; 16 were asked for.',
      hint: 'Give --length 24',
    });
  });

  it('longer than the card’s is an error', async () => {
    const file = writeModel(space, 'longer', smallModel({ length: 24 }), { length: 16, family: 'duo' });
    expectFailure(await space.run(ppl(file)), {
      exit: 3,
      says: /length 16, but the graph takes exactly 24 tokens/,
    });
  });

  it('gives the figures of a free length', async () => {
    const fixed = writeModel(space, 'fixed-duo', smallModel({ length: 16, batch: 3 }), { family: 'duo' });
    const free = writeModel(space, 'free-duo', smallModel(), { family: 'duo' });
    const [a, b] = [await succeed(space, ppl(fixed, '--json')), await succeed(space, ppl(free, '--json'))];
    expect(resultOf(a.stdout).metrics).toEqual(resultOf(b.stdout).metrics);
  });

  it('gives an autoregressive model the figures of a free length', async () => {
    const fixed = writeModel(space, 'fixed-ar', smallModel({ length: 16 }));
    const [a, b] = [
      await succeed(space, ppl(fixed, '--json')),
      await succeed(space, ppl('free.onnx', '--json')),
    ];
    expect(resultOf(a.stdout).metrics).toEqual(resultOf(b.stdout).metrics);
  });
});

describe('a fixed batch', () => {
  it('is used, and said where --batch asks for another', async () => {
    const file = writeModel(space, 'three', smallModel({ batch: 3 }));
    const { stdout, stderr } = await succeed(space, ppl(file, '--batch', '8', '--json'));
    expect(stderr).toContain('three: its graph takes 3 sequences per call, so that is the batch.');
    expect(resultOf(stdout).environment.batch).toBe(3);
    const free = await succeed(space, ppl('free.onnx', '--json'));
    expect(resultOf(stdout).metrics).toEqual(resultOf(free.stdout).metrics);
  });
});
