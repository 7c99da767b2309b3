/** About src/commands/sample.ts, src/commands/samplers.ts */
import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSamples, type SampleRecord } from '../../src/records/samples-file.js';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

const sample = (...args: string[]) => succeed(space, ['sample', '--seed', '3', '--length', '48', ...args]);

async function read(name: string) {
  const { header, samples } = await openSamples(space.at(name));
  const all: SampleRecord[] = [];
  for await (const one of samples) all.push(one);
  return { header, samples: all };
}
const lasting = (samples: SampleRecord[]) => samples.map(({ seconds, ...rest }) => rest);

const ways: [string, string[]][] = [
  ['markov-duo', ['--sampler', 'ancestral', '--steps', '6']],
  ['markov-duo', ['--sampler', 'psi', '--steps', '6', '--temperature', '0.8', '--top-p', '0.9']],
  ['markov-duo', ['--sampler', 'gaussian', '--steps', '4']],
  ['markov-mdlm', ['--sampler', 'ancestral-cache', '--steps', '20', '--top-k', '20']],
  ['markov-mdlm', ['--sampler', 'confidence', '--steps', '6']],
  ['markov-ar', []],
];

describe('duo-eval sample', () => {
  it.each(ways)(
    'of %s with %o gives the same samples, bit for bit, at any batch size',
    async (model, how) => {
      const files = [];
      for (const batch of ['1', '3']) {
        const out = `${model}-${how.length}-${batch}.jsonl`;
        await sample(
          '--model',
          fixture(`${model}.onnx`),
          ...how,
          '--samples',
          '7',
          '--batch',
          batch,
          '--out',
          out,
        );
        files.push(await read(out));
      }
      const [first, ...others] = files;
      expect(first.samples).toHaveLength(7);
      expect(new Set(first.samples.map(({ text }) => text)).size).toBe(7);
      for (const other of others) expect(lasting(other.samples)).toEqual(lasting(first.samples));
      const { model: record, sampler, count, seed, length } = first.header;
      expect(record).toMatchObject({
        name: model,
        family: model.slice(7),
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      expect({ count, seed, length }).toEqual({ count: 7, seed: 3, length: 48 });
      expect(sampler.name).toBe(how[1] ?? 'ar');
    },
  );

  it('prints lines without --out, and one object under --json', async () => {
    const args = ['--model', fixture('markov-duo.onnx'), '--steps', '2', '--samples', '2'];
    const lines = (await sample(...args)).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const whole = JSON.parse((await sample(...args, '--json')).stdout);
    const { samples, ...header } = whole;
    const still = ({ seconds, ...rest }: SampleRecord) => rest;
    expect(lines[0]).toEqual(header);
    expect(lines.slice(1).map(still)).toEqual(samples.map(still));
    expect(samples.map(({ nfe }: SampleRecord) => nfe)).toEqual([3, 3]);
  });

  it('cleans up text as the protocol says, and leaves the tokens', async () => {
    const args = [
      '--model',
      fixture('markov-duo.onnx'),
      '--prompt',
      'He , she .',
      '--samples',
      '2',
      '--steps',
      '2',
    ];
    await sample(...args, '--out', 'duo.jsonl');
    await sample(...args, '--protocol', 'strict', '--out', 'strict.jsonl');
    const [duo, strict] = [(await read('duo.jsonl')).samples, (await read('strict.jsonl')).samples];
    expect(duo.map(({ tokens }) => tokens)).toEqual(strict.map(({ tokens }) => tokens));
    for (const { text } of strict) expect(text).toContain('He , she .');
    for (const { text } of duo) expect(text).toContain('He, she.');
  });

  it('begins with a prompt', async () => {
    for (const model of ['markov-duo', 'markov-mdlm', 'markov-ar']) {
      const path = fixture(`${model}.onnx`);
      await sample(
        '--model',
        path,
        '--prompt',
        'The king ',
        '--samples',
        '3',
        '--steps',
        '4',
        '--out',
        'prompt.jsonl',
      );
      const { header, samples } = await read('prompt.jsonl');
      expect(header.prompt).toBe(true);
      for (const { text } of samples) expect(text).toMatch(/^<\|endoftext\|>The king /);
    }
  });

  it('fills gaps', async () => {
    const text = 'The king <gap 5> and<gap> of it';
    const path = fixture('markov-mdlm.onnx');
    await sample(
      '--model',
      path,
      '--infill',
      text,
      '--samples',
      '3',
      '--steps',
      '4',
      '--protocol',
      'strict',
      '--out',
      'infill.jsonl',
    );
    for (const { tokens } of (await read('infill.jsonl')).samples) {
      const bytes = Buffer.from(tokens.slice(1, -1)).toString('latin1');
      expect(bytes).toMatch(/^The king.{5} and.{23} of it$/s);
      expect([tokens[0], tokens.at(-1)]).toEqual([256, 256]);
    }
  });

  it('keeps every step in a trace, and puts them on a page', async () => {
    const args = ['--model', fixture('markov-mdlm.onnx'), '--samples', '3', '--batch', '2', '--steps', '5'];
    await sample(...args, '--out', 's.jsonl', '--trace', 't.jsonl', '--trace-html', 'page.html');
    const { samples } = await read('s.jsonl');
    const [header, ...steps] = space
      .read('t.jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(header).toMatchObject({ kind: 'trace', count: 3, sampler: { name: 'ancestral', steps: 5 } });
    expect(steps.map(({ sample, step }) => [sample, step])).toEqual(
      [0, 1, 2].flatMap((i) => [0, 1, 2, 3, 4, 5, 6].map((step) => [i, step])),
    );
    for (const { sample: i, tokens } of steps.filter(({ step }) => step === 6))
      expect(tokens).toEqual(samples[i].tokens);
    for (const { tokens } of steps.filter(({ step }) => step === 0))
      expect(new Set(tokens)).toEqual(new Set([257]));
    expect(space.read('page.html')).toContain('from noise to text');
    expect(existsSync(space.at('.cache/journals'))).toBe(true);
  });
});

const duo = ['--model', fixture('markov-duo.onnx'), '--length', '16', '--samples', '1'];
const mdlm = ['--model', fixture('markov-mdlm.onnx'), '--length', '16', '--samples', '1'];
const bad: [string, string[], number, string, RegExp][] = [
  ['no steps', [...duo, '--steps', '0'], 2, 'invalid-flag-value', /--steps/],
  ['a temperature of 0', [...duo, '--temperature', '0'], 2, 'temperature-out-of-range', /above 0/],
  ['a temperature below 0', [...duo, '--temperature=-1'], 2, 'temperature-out-of-range', /above 0/],
  ['top-p above 1', [...duo, '--top-p', '1.5'], 2, 'top-p-out-of-range', /Top-p/],
  ['top-k of 0', [...duo, '--top-k', '0'], 2, 'top-k-out-of-range', /Top-k/],
  ['another family’s sampler', [...duo, '--sampler', 'analytic'], 2, 'sampler-does-not-fit', /sedd/],
  ['a sampler that there is not', [...duo, '--sampler', 'analytics'], 2, 'unknown-sampler', /analytics/],
  [
    'κ above 1',
    [...duo, '--sampler', 'psi', '--sampler-option', 'middle=constant-1.5'],
    2,
    'kappa-out-of-range',
    /\[0, 1\]/,
  ],
  ['a long prompt', [...duo, '--prompt', 'Seventeen letters'], 2, 'prompt-too-long', /16/],
  [
    'a prompt that leaves nothing',
    [...duo, '--prompt', 'Fifteen letters'],
    2,
    'prompt-too-long',
    /none to write/,
  ],
  ['an infill without gap', [...mdlm, '--infill', 'text'], 2, 'infill-without-gap', /no gap/],
  [
    'an infill without room',
    [...mdlm, '--infill', 'The king <gap 9>'],
    2,
    'prompt-too-long',
    /19 tokens of the 16/,
  ],
  ['a prompt and an infill', [...mdlm, '--infill', 'a<gap>', '--prompt', 'a'], 2, '', /infill/],
  [
    'an infill from left to right',
    ['--model', fixture('markov-ar.onnx'), '--length', '16', '--infill', 'a<gap>b'],
    2,
    'infill-from-left',
    /left to right/,
  ],
  [
    'one file for two outputs',
    [...duo, '--out', 'x.jsonl', '--trace', './x.jsonl'],
    2,
    'repeated-output',
    /two outputs/,
  ],
  ['a folder that there is not', [...duo, '--out', 'nowhere/x.jsonl'], 6, 'output-not-writable', /nowhere/],
  [
    'a module that there is not',
    [...duo, '--sampler', './mine.mjs'],
    2,
    'sampler-module-not-found',
    /mine\.mjs/,
  ],
];

describe('what cannot be sampled', () => {
  it.each(bad)('%s is refused in a sentence', async (_what, args, exitCode, code, message) => {
    const ran = await space.run(['sample', ...args, '--json']);
    expect(ran.code).toBe(exitCode);
    const { error } = JSON.parse(ran.stdout);
    expect(error).toMatchObject({
      exitCode,
      message: expect.stringMatching(message),
      hint: expect.any(String),
    });
    if (code) expect(error.code).toBe(code);
  });

  it('a module that throws, or writes what is no token, is named', async () => {
    const module = (body: string) =>
      `export default { name: 'own', summary: '', families: ['duo'], async *sample(run) { ${body} } };`;
    space.write('throws.mjs', module('\nyield; run.nothing.there = 1;'));
    space.write('beyond.mjs', module('run.tokens[3] = 257; yield;'));
    const error = async (name: string) =>
      JSON.parse((await space.run(['sample', ...duo, '--sampler', `./${name}`, '--json'])).stdout).error;
    expect(await error('throws.mjs')).toMatchObject({
      code: 'sampler-failed',
      message: expect.stringContaining('./throws.mjs failed in step 1'),
    });
    expect(await error('beyond.mjs')).toMatchObject({
      code: 'sampler-token-out-of-range',
      message: expect.stringContaining('257'),
    });
    expect(existsSync(space.at('x.jsonl'))).toBe(false);
  });

  it('leaves the file that was there', async () => {
    space.write('kept.jsonl', 'kept');
    space.write(
      'throws.mjs',
      "export default { name: 'own', summary: '', families: ['duo'], async *sample() { throw 1; } };",
    );
    const ran = await space.run(['sample', ...duo, '--sampler', './throws.mjs', '--out', 'kept.jsonl']);
    expect(ran.code).toBe(2);
    expect(readFileSync(space.at('kept.jsonl'), 'utf8')).toBe('kept');
  });
});

describe('duo-eval samplers', () => {
  it('lists them with families and options', async () => {
    const { stdout } = await succeed(space, ['samplers', '--json']);
    const { samplers } = JSON.parse(stdout) as {
      samplers: { name: string; families: string[]; options: object; aliases: object }[];
    };
    const byName = Object.fromEntries(samplers.map((one) => [one.name, one]));
    expect(Object.keys(byName)).toEqual([
      'ancestral',
      'ancestral-cache',
      'greedy-tail',
      'psi',
      'analytic',
      'gaussian',
      'dcd',
      'confidence',
      'unmask',
      'ar',
    ]);
    expect(byName.analytic.families).toEqual(['sedd']);
    expect(byName.psi.options).toMatchObject({ eta: { default: 0.04, min: 0, max: 1 } });
    expect(byName.unmask.aliases).toEqual({
      LowConfidence: { order: 'max-probability' },
      EntropyBound: { order: 'entropy', 'entropy-bound': 0.1 },
    });
    const text = (await succeed(space, ['samplers'])).stdout;
    expect(text).toMatch(/^ +--sampler EntropyBound +unmask with order=entropy, entropy-bound=0\.1$/m);
    for (const { name, families } of samplers)
      expect(text).toMatch(new RegExp(`^${name} +${families.join(', ')}$`, 'm'));
  });
});
