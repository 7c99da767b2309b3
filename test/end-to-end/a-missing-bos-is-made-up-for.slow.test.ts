/** About src/commands/ppl.ts, src/commands/gen.ts, src/commands/sample.ts */
import { describe, expect, it } from 'vitest';
import { byteTokenizer } from '../datasets/small-tokenizer.js';
import { fixture, root } from '../support/run.js';
import { succeed, workspace } from '../support/workspace.js';

const space = workspace();
const boundary = { id: 256, content: '<|endoftext|>' };
byteTokenizer(space.at('no-bos'), {
  added: [boundary],
  config: { bos_token: null, eos_token: '<|endoftext|>' },
});
space.write('text.txt', 'a text of some words and of some more '.repeat(20));

const ppl = (...args: string[]) =>
  succeed(space, [
    ...['ppl', '--model', fixture('ar.onnx'), '--dataset', 'text.txt', '--length', '32'],
    ...['--limit', '2', '--json', ...args],
  ]);
const protocolOf = (stdout: string) => JSON.parse(stdout).results[0].protocol;

describe('a tokenizer without a BOS', () => {
  it('has its EOS at both ends of a sequence, which is said and recorded', async () => {
    const { stdout, stderr } = await ppl('--tokenizer', 'no-bos');
    expect(stderr).toContain('has no BOS: its EOS, id 256, stands at both ends');
    expect(protocolOf(stdout)).toMatchObject({ bosTokenId: 256, eosTokenId: 256 });
  });

  it('takes those of flags, and says nothing then', async () => {
    const { stdout, stderr } = await ppl(
      '--tokenizer',
      'no-bos',
      '--bos-token-id',
      '1',
      '--eos-token-id',
      '2',
    );
    expect(stderr).not.toContain('BOS');
    expect(protocolOf(stdout)).toMatchObject({ bosTokenId: 1, eosTokenId: 2 });
  });

  it('is spoken of in training as well, and a BOS that a flag names is in the card', async () => {
    const small = [
      '--length',
      '16',
      '--hidden-size',
      '32',
      '--condition-size',
      '8',
      '--blocks',
      '1',
      '--heads',
      '1',
    ];
    const train = (...args: string[]) =>
      succeed(space, [
        ...['train', '--family', 'ar', '--dataset', 'text.txt', '--tokenizer', 'no-bos'],
        ...['--steps', '1', '--batch', '1', ...small, ...args],
      ]);
    expect((await train('--out', 'said')).stderr).toContain('has no BOS: its EOS, id 256');
    expect(JSON.parse(space.read('said/ar.card.json'))).not.toHaveProperty('bosTokenId');
    expect((await train('--out', 'named', '--bos-token-id', '7')).stderr).not.toContain('BOS');
    expect(JSON.parse(space.read('named/ar.card.json'))).toMatchObject({ bosTokenId: 7 });
  });
});

describe('commands that sample with such a tokenizer', () => {
  const small = ['--tokenizer', 'no-bos', '--length', '8', '--samples', '2', '--batch', '2'];
  const model = ['--model', fixture('ar.onnx')];
  const judge = ['--judge', fixture('ar.onnx'), '--judge-tokenizer', 'no-bos', '--context', '8'];
  const own = ['--bos-token-id', '1', '--eos-token-id', '2'];
  const said = 'ar: The tokenizer has no BOS: its EOS, id 256, stands at both ends of a sequence.';
  const times = (stderr: string) => stderr.split(said).length - 1;
  const commands: [string, string[], (printed: never) => unknown][] = [
    ['sample', [...model, ...small], (header) => header],
    ['gen', [...model, ...small], ({ results: [row] }: Rows) => row.samples],
    ['bench', [...model, ...small, '--no-memory'], ({ results: [row] }: Rows) => row.samples],
    [
      'frontier',
      [...model, ...small, ...judge, '--temperatures', '0.9,1', '--entropy', '1.5'],
      ({ results: [row] }: Rows) => row,
    ],
  ];

  it.each(commands)('%s says so once and records it', async (command, args, at) => {
    const { stdout, stderr } = await succeed(space, [command, ...args, '--json']);
    expect(times(stderr)).toBe(1);
    expect(at(JSON.parse(stdout) as never)).toMatchObject({ bosTokenId: 256, eosTokenId: 256 });
  });

  it.each(commands)('%s takes those of flags', async (command, args, at) => {
    const { stdout, stderr } = await succeed(space, [command, ...args, ...own, '--json']);
    expect(stderr).not.toContain('BOS');
    expect(at(JSON.parse(stdout) as never)).toMatchObject({ bosTokenId: 1, eosTokenId: 2 });
  });

  it('ids of a samples file are those of its header', async () => {
    await succeed(space, ['sample', ...model, ...small, ...own, '--out', 'own.jsonl']);
    const { stdout } = await succeed(space, ['gen', 'own.jsonl', '--json']);
    expect(JSON.parse(stdout).results[0].samples).toMatchObject({ bosTokenId: 1, eosTokenId: 2 });
  });

  // A tokenizer with neither: without the flags no ar model can begin.
  it.each([
    ['another build', fixture('ar.onnx')],
    ['another installation', root],
  ])('bench --against %s gives the flags to it too', async (_, against) => {
    byteTokenizer(space.at('neither'), { added: [], config: { bos_token: null, eos_token: null } });
    const args = ['--tokenizer', 'neither', '--length', '8', '--samples', '2', '--batch', '2'];
    const bench = ['bench', ...model, ...args, '--against', against, '--json'];
    const refused = await space.run(bench);
    expect(refused.stdout).toContain('names no token that a text begins with');
    const { stdout, stderr } = await succeed(space, [...bench, ...own]);
    const [row] = JSON.parse(stdout).results;
    expect(row.throughput.against.rounds).toBe(1);
    expect(stderr).not.toContain('memory could not be measured');
    expect(row.throughput.peakMemoryBytes).toBeGreaterThan(0);
  });
});

interface Rows {
  results: Record<string, unknown>[];
}
