/** About src/library/results.ts, src/records/evaluation.ts, src/samplers/registry.ts */
import { describe, expect, it } from 'vitest';
import { EVALUATIONS } from '../../src/evals/registry.js';
import {
  checkGates,
  compareResults,
  formatResults,
  listSamplers,
  readResults,
  registerEvaluation,
  registerSampler,
  resultsFile,
  type Sampler,
  sample,
  UsageError,
  writeResults,
} from '../../src/index.js';
import { columns, type Evaluation, part, RANGES, records, z } from '../../src/library/evaluation.js';
import { reportPage } from '../../src/report/page.js';
import { readInputs } from '../../src/report/read-inputs.js';
import { temporaryFolder } from '../support/folder.js';
import { fixture } from '../support/run.js';

const toy = part({
  eval: z.literal('toy'),
  model: records.model,
  metrics: part({ hits: records.sampledFigure(RANGES.share) }),
});
type Toy = z.infer<typeof toy>;
const declaration: Evaluation<Toy> = {
  name: 'toy',
  unit: 'sample',
  title: 'Hits of a toy',
  record: toy,
  columns: [
    columns.text('model', ({ model }) => model.name, { title: 'model', isName: true }),
    columns.figure('hits', ({ metrics }) => metrics.hits, { title: 'hits' }),
  ],
  figures: { hits: { title: 'hits' } },
};
const result = (value: number): Toy => ({
  eval: 'toy',
  model: { name: 'm', family: 'ar', sha256: null, path: null },
  metrics: { hits: { value, stderr: 0.01, ci95: [value - 0.02, value + 0.02] } },
});

describe('a registered evaluation', () => {
  const folder = temporaryFolder();
  const written = async (name: string, value: number) => {
    const path = folder.path(name);
    await writeResults(await resultsFile([result(value)]), path);
    return path;
  };

  it('is refused by readers before it is registered, and read after', async () => {
    const path = await written('toy.json', 0.25);
    await expect(readResults(path)).rejects.toMatchObject({ code: 'results-invalid' });
    await registerEvaluation(declaration);
    expect((await readResults(path)).results).toEqual([result(0.25)]);
    await expect(readResults(await written('bad.json', 1.5))).rejects.toMatchObject({
      code: 'results-invalid',
    });
  });

  it.each(['table', 'csv', 'markdown', 'html', 'json'] as const)('is printed as %s', async (format) => {
    const text = await formatResults(await resultsFile([result(0.25)]), format);
    expect(text).toMatch(/hits/i);
    expect(text).toContain('0.25');
  });

  it('is compared, held to gates, and reported', async () => {
    const [a, b] = [await written('a.json', 0.4), await written('b.json', 0.1)];
    const { differences } = await compareResults(a, b);
    expect(differences).toHaveLength(1);
    expect(differences[0]).toMatchObject({ eval: 'toy', metric: 'hits' });
    expect(differences[0].value).toBeCloseTo(0.3, 12);
    const gates = folder.path('gates.yaml');
    folder.file('gates.yaml', 'gates:\n  - metric: hits\n    max: 0.2\n');
    expect((await checkGates(gates, { results: [a] })).verdict).toBe('fail');
    expect((await checkGates(gates, { results: [b] })).verdict).toBe('pass');
    const { rows } = await readInputs([a], EVALUATIONS, { texts: 0 });
    const page = await reportPage({ title: 't', rows, differences: [], samples: [], published: false });
    expect(page).toContain('Hits of a toy');
  });

  it.each([
    ['its name is taken', declaration],
    ['z.literal', { ...declaration, name: 'toy-2' as 'toy' }],
    ['No column has the title', { ...titled('toy-3'), table: { essential: ['nothing'], further: [] } }],
    ['lower-case', titled('Toy 4')],
  ])('is refused where %s', async (why, wrong) => {
    await expect(registerEvaluation(wrong)).rejects.toThrow(why);
    await expect(registerEvaluation(wrong)).rejects.toBeInstanceOf(UsageError);
  });

  function titled(name: string): Evaluation<Toy> {
    return { ...declaration, name: name as 'toy', record: toy.extend({ eval: z.literal(name as 'toy') }) };
  }
});

describe('a registered sampler', () => {
  const constant = (name: string, token: number): Sampler => ({
    name,
    summary: 'Writes one token everywhere.',
    families: ['duo'],
    async *sample({ tokens }) {
      tokens.fill(token);
      yield;
    },
  });
  const task = { model: fixture('markov-duo.onnx'), samples: 2, length: 8, batch: 1, seed: 9 };
  const firstOf = async (sampler: string) => {
    for await (const { tokens } of await sample({ ...task, sampler })) return tokens; // stopped after the first
  };

  it('is listed, and sampled with by name', async () => {
    await registerSampler(constant('constant', 3));
    expect((await listSamplers()).at(-1)?.name).toBe('constant');
    const samples = await sample({ ...task, sampler: 'constant' });
    for await (const { tokens } of samples) expect(tokens).toEqual(Array(8).fill(3));
    await expect(
      sample({ ...task, model: fixture('markov-ar.onnx'), sampler: 'constant' }),
    ).rejects.toMatchObject({
      code: 'sampler-does-not-fit',
    });
  });

  it('is not the usual one of a family', async () => {
    const samples = await sample(task);
    await samples.close();
    expect(samples.header.sampler.name).not.toBe('constant');
  });

  it('continues no run of another version', async () => {
    const { samplesKey } = await import('../../src/sampling/sample-run.js');
    const keyOf = async (sampler: string) => {
      const samples = await sample({ ...task, sampler });
      await samples.close();
      return ((await samplesKey(samples.request, 'cpu')) as { module: string | null }).module;
    };
    await registerSampler(constant('versioned', 4), { version: '1' });
    expect(await firstOf('versioned')).toEqual(Array(8).fill(4));
    expect(await keyOf('versioned')).toContain('1');
    expect(await keyOf('constant')).not.toBeNull();
    expect(await keyOf('ancestral')).toBeNull();
  });

  it.each([
    ['its name is taken', constant('ancestral', 1)],
    ['lower-case', constant('Not a name', 1)],
    ['its families', { ...constant('other', 1), families: ['gpt' as 'duo'] }],
    ['async generator', { ...constant('other', 1), sample: undefined as never }],
  ])('is refused where %s', async (why, wrong) => {
    await expect(registerSampler(wrong)).rejects.toThrow(why);
  });

  it('is held to the tokens of the model', async () => {
    await registerSampler(constant('beyond', 1e6));
    await expect(firstOf('beyond')).rejects.toMatchObject({ code: 'sampler-token-out-of-range' });
  });
});
