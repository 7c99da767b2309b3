/** About src/commands/gen.ts */
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, it } from 'vitest';
import type { GenerativeResult } from '../../src/evals/generation/record.js';
import { EVALUATIONS } from '../../src/evals/registry.js';
import type { ResultsFile } from '../../src/records/record.js';
import { parseResults } from '../../src/records/results-file.js';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';
import { writeSamples } from './samples.js';
import { sharedIsThere, sharedModel, whyNot } from './shared.js';
import { smallModel, writeModel } from './small-models.js';

let space: Workspace;
beforeAll(async () => {
  space = workspace();
  await writeSamples(space, 'samples.jsonl');
});

const judge = fixture('markov-ar.onnx');
const results = ({ stdout }: { stdout: string }) =>
  parseResults(stdout, 'stdout', EVALUATIONS) as ResultsFile<GenerativeResult>;
const only = (ran: { stdout: string }) => results(ran).results[0];

describe('duo-eval gen', () => {
  it('has a row a file and one for real text, in every format', async () => {
    await writeSamples(space, 'loops.jsonl', {
      change: (tokens, sample) => tokens.map((_, l) => tokens[(l + sample) % 5]),
    });
    const args = [
      'gen',
      'samples.jsonl',
      'looping=loops.jsonl',
      '--judge',
      judge,
      '--reference-dataset',
      'sotu',
    ];
    const outs = ['--out', 'gen.json', '--out', 'gen.csv', '--out', 'gen.md'];
    const { stdout, stderr } = await succeed(space, [...args, ...outs]);
    const header = stdout.split('\n')[0].trim().split(/ {2,}/);
    expect(header.slice(0, 5)).toEqual(['texts', 'gen. perplexity', '95% interval', 'entropy', 'rep-4']);
    expect(stdout).toMatch(/Entropies differ by \d\.\d\d nats \(looping to \w+\)/);
    expect(stderr).toBe('');
    const [samples, looping, sotu] = results({ stdout: space.read('gen.json') }).results;
    expect([samples, looping, sotu].map((row) => row.samples.name)).toEqual(['samples', 'looping', 'sotu']);
    expect([samples.samples.nfe, samples.samples.seconds]).toEqual([9, 3]);
    expect([sotu.model, sotu.dataset?.name, sotu.samples.count, sotu.samples.length]).toEqual([
      null,
      'sotu',
      12,
      64,
    ]);
    expect(looping.metrics.entropy.value!).toBeLessThan(samples.metrics.entropy.value! - 1);
    expect(looping.metrics.repetition4.value!).toBeGreaterThan(0.9);
    // The judge is the chain that real text was fitted to; 12 sequences of 62 bytes.
    expect(sotu.metrics.genNll.value!).toBeGreaterThan(2);
    expect(sotu.metrics.genNll.value!).toBeLessThan(2.9);
    expect(sotu.cost).toMatchObject({ sequences: 12, tokens: 12 * 62, modelCalls: 12 });
    const rows: Record<string, string>[] = parse(space.read('gen.csv'), { columns: true });
    expect(Number(rows[0].gen_ppl)).toBe(samples.metrics.genPpl.value);
    expect(space.read('gen.md')).toContain('| looping |');
  });

  it('gives the same figures at any batch and number of threads', async () => {
    const figures = [];
    for (const more of [
      ['--batch', '1'],
      ['--batch', '7', '--threads', '2', '--fresh'],
    ]) {
      const { metrics } = only(
        await succeed(space, ['gen', 'samples.jsonl', '--judge', judge, '--json', ...more]),
      );
      figures.push(metrics);
    }
    expect(figures[1]).toEqual(figures[0]);
  });

  it('says that a judge of a shorter context reads in windows', async () => {
    const args = ['gen', 'samples.jsonl', '--judge', judge, '--context', '20', '--json'];
    const ran = await succeed(space, args);
    expect(ran.stderr).toContain('samples: 64 tokens a text, and the judge reads 20 at a time');
    expect(only(ran).cost).toMatchObject({ modelCalls: 4 * 12, tokens: (64 - 4) * 12 });
  });

  it('needs no judge for entropy and repetition', async () => {
    const ran = await succeed(space, ['gen', 'samples.jsonl', '--format', 'markdown']);
    expect(ran.stdout).toContain('No judge, so no generative perplexity');
    const row = only(await succeed(space, ['gen', 'samples.jsonl', '--json']));
    expect([row.judge, row.metrics.genPpl.value]).toEqual([null, null]);
    expect(row.metrics.entropy.value).toBeGreaterThan(2);
  });

  it.skipIf(!sharedIsThere)(
    `judges by the text what another tokenizer wrote, and says so${sharedIsThere ? '' : ` (${whyNot})`}`,
    async () => {
      const ran = await succeed(space, ['gen', 'samples.jsonl', '--judge', sharedModel('ar'), '--json']);
      expect(ran.stderr).toContain(
        "samples: written with another tokenizer than the judge's; judged by the text",
      );
      expect(only(ran).cost.tokens).toBeLessThan(12 * 63);
      expectFailure(
        await space.run([
          'gen',
          'samples.jsonl',
          '--judge',
          sharedModel('ar'),
          '--reference-dataset',
          'sotu',
        ]),
        { exit: 4, says: 'needs the tokenizer that samples was written with', hint: '--tokenizer' },
      );
      const tokenizer = ['--tokenizer', fixture('tokenizer')];
      const beside = ['--judge', sharedModel('ar'), '--reference-dataset', 'sotu', ...tokenizer];
      expect(
        results(await succeed(space, ['gen', 'samples.jsonl', ...beside, '--json'])).results,
      ).toHaveLength(2);
    },
  );

  it('cleans up spaces by protocol duo, not by strict', async () => {
    const spaced = (await import('../../src/datasets/tokenizer.js')).loadTokenizer(fixture('tokenizer'));
    const ids = (await spaced).encode('It is so , and it was . '.repeat(3)).slice(0, 64);
    await writeSamples(space, 'spaced.jsonl', { change: () => ids });
    const tokens = async (protocol: string) =>
      only(await succeed(space, ['gen', 'spaced.jsonl', '--judge', judge, '--protocol', protocol, '--json']))
        .cost.tokens;
    expect(await tokens('strict')).toBe(12 * 63);
    // Of 64 bytes, 2 × 2 whole repetitions and one comma of the third lose their space.
    expect(await tokens('duo')).toBe(12 * (63 - 5));
  });
});

describe('duo-eval gen, given what it cannot use,', () => {
  const gen = (...args: string[]) => space.run(['gen', ...args]);

  it('names the line of a samples file that is broken', async () => {
    const lines = space.read('samples.jsonl').split('\n');
    space.write('broken.jsonl', [...lines.slice(0, 4), lines[4].slice(0, 40), ...lines.slice(5)].join('\n'));
    expectFailure(await gen('broken.jsonl', '--judge', judge), { exit: 4, says: 'broken.jsonl, line 5' });
    space.write('cut.jsonl', lines.slice(0, 4).join('\n'));
    expectFailure(await gen('cut.jsonl', '--judge', judge), { exit: 4, says: 'cut.jsonl holds 3 samples' });
  });

  it.each([
    ['an empty file', '', 'is empty'],
    ['text that is no samples file', 'Once upon a time\n', 'line 1'],
  ])('refuses %s', async (_what, content, says) => {
    space.write('odd.jsonl', content);
    expectFailure(await gen('odd.jsonl', '--judge', judge), { exit: 4, says });
  });

  it('refuses a file of no samples', async () => {
    await writeSamples(space, 'none.jsonl', { count: 0 });
    expectFailure(await gen('none.jsonl', '--judge', judge), {
      exit: 4,
      says: 'none.jsonl holds no samples',
    });
  });

  it('says of a judge that it is no autoregressive one, or reads less than asked for', async () => {
    const duo = fixture('markov-duo.onnx');
    expectFailure(await gen('samples.jsonl', '--judge', duo), {
      exit: 3,
      says: 'family duo; a judge must be',
    });
    const long = await gen('samples.jsonl', '--judge', judge, '--context', '4096');
    expectFailure(long, { exit: 3, says: 'reads 128 tokens at a time' });
  });

  it('says which texts a broken judge fails on', async () => {
    const nan = writeModel(space, 'nan', smallModel({ logit: (read) => (read === 32 ? Number.NaN : 0) }), {});
    expectFailure(await gen('samples.jsonl', '--judge', nan), { exit: 5, says: 'not a number' });
  });

  it.each([
    [['missing.jsonl'], 6, 'missing.jsonl'],
    [['samples.jsonl', 'samples.jsonl'], 2, 'Two sets of texts are called "samples"'],
    [[], 2, ''],
    [['samples.jsonl', '--judge', 'none.onnx'], 3, 'none.onnx'],
    [['samples.jsonl', '--reference-dataset', 'nowhere'], 4, 'needs the tokenizer'],
  ])('ends in a sentence for %j', async (args, exit, says) => {
    expectFailure(await gen(...args), { exit, says });
  });
});

describe('duo-eval gen of a model', () => {
  it('measures what sample writes, with the same figures', async () => {
    const model = [
      '--model',
      fixture('markov-mdlm.onnx'),
      '--steps',
      '4',
      '--samples',
      '6',
      '--length',
      '32',
    ];
    await succeed(space, ['sample', ...model, '--out', 'written.jsonl']);
    const spot = only(await succeed(space, ['gen', ...model, '--judge', judge, '--json']));
    const file = only(await succeed(space, ['gen', 'written.jsonl', '--judge', judge, '--json']));
    expect(spot.metrics).toEqual(file.metrics);
    expect(spot.samples).toMatchObject({
      name: 'markov-mdlm',
      path: null,
      sha256: file.samples.sha256,
      nfe: 4,
    });
    expect(spot.samples.sampler).toEqual(file.samples.sampler);
  });

  it('ends in a sentence without a model or a file, and for a sampler that does not fit', async () => {
    expectFailure(await space.run(['gen', '--judge', judge]), { exit: 2, says: 'nothing to measure' });
    const wrong = ['gen', '--model', fixture('markov-duo.onnx'), '--sampler', 'analytic'];
    expectFailure(await space.run(wrong), { exit: 2, says: 'analytic is for sedd' });
  });
});
