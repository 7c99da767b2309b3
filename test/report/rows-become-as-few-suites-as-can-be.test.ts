/** About src/report/repetition.ts: run end to end by test/end-to-end/reports-say-how-to-repeat-rows.slow.test.ts. */
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { repetitionOf, suiteFiles } from '../../src/report/repetition.js';
import { generatedResult } from '../comparison/generated-rows.js';
import { resultOfNats, rowsOfResults } from '../comparison/rows.js';

const nats = Array.from({ length: 40 }, (_, i) => 600 + 90 * Math.sin(3 * i));
const sampled = (model: string, steps: number, more: { seed?: number; control?: string } = {}) => {
  const { samples, ...rest } = generatedResult(model, steps, 90, 5.5) as { samples: object };
  const { seed = 1, control } = more;
  return {
    ...rest,
    protocol: {
      name: 'duo',
      version: 2,
      seed,
      resamples: 2000,
      interval: 'bootstrap-t',
      compressionLevel: 9,
    },
    samples: { ...samples, path: null, seed, ...(control && { control, sampler: null }) },
  };
};
const suitesOf = (results: readonly object[], file?: string) =>
  repetitionOf(rowsOfResults(results), file).suites.map((text) => parse(text));

const { dataset } = resultOfNats(nats, 'a', 'sotu');
const BRIER = { dataset, items: 64, length: 128, seed: 1, nfe: 8 };

describe('rows as suites', () => {
  it('everything with everything is one file, one part an evaluation', () => {
    const results = ['a', 'b'].flatMap((model) => [
      ...['ptb', 'lm1b'].map((set) => {
        const result = resultOfNats(nats, model, set);
        return { ...result, model: { ...result.model, path: `${model}.onnx`, family: 'duo' as const } };
      }),
      ...[8, 32].map((steps) => sampled(model, steps)),
    ]);
    const suites = suitesOf(results);
    expect(suites).toHaveLength(1);
    const [{ models, datasets, ppl, gen }] = suites;
    expect(models).toEqual(['a', 'b'].map((name) => ({ name, path: `${name}.onnx` })));
    expect(datasets).toEqual(['ptb', 'lm1b']);
    expect(ppl).toMatchObject({ protocol: 'duo', length: 128 });
    expect(gen).toMatchObject({ steps: [8, 32], seeds: [1], samples: 64, judge: { path: 'gpt2.onnx' } });
    expect(gen.samplers).toBeUndefined();
  });

  it('what is no product becomes several files, and each row stands in exactly one', () => {
    const suites = suitesOf([
      ...[sampled('a', 8), sampled('a', 32), sampled('b', 8), sampled('c', 8), sampled('c', 32)],
    ]);
    const cells = suites.flatMap(({ models, gen }) =>
      models.flatMap(({ name }: { name: string }) => gen.steps.map((steps: number) => `${name} ${steps}`)),
    );
    expect(cells.sort()).toEqual(['a 32', 'a 8', 'b 8', 'c 32', 'c 8']);
    expect(suites).toHaveLength(2);
  });

  it('one name of two checkpoints never stands in one file', () => {
    const other = sampled('a', 8);
    const suites = suitesOf([
      sampled('a', 8),
      { ...other, model: { ...(other as never as { model: object }).model, path: 'new.onnx' } },
    ]);
    expect(suites.map(({ models }) => models[0].path)).toEqual(['a.onnx', 'new.onnx']);
  });

  it('paths are those from the folder of the file', () => {
    expect(suitesOf([sampled('a', 8)], 'later/suite.yaml')[0].models[0].path).toBe('../a.onnx');
  });

  it('what texts were compared with is part of them: real text, measures and controls', () => {
    const { judge } = sampled('a', 8) as { judge?: object };
    const measures = {
      mauve: {
        model: { ...judge, name: 'gpt2', path: 'gpt2.onnx', context: 128 },
        ...{ clusters: 6, components: 9, seed: 1, seeds: 5, restarts: 5, scaling: 5, points: 25 },
        ...{ textsPerCluster: 10, explainedVariance: 0.9 },
      },
      brier: BRIER,
    };
    const real = { ...sampled('a', 8), model: null, dataset } as never as {
      samples: object;
    };
    const [{ gen }, ...others] = suitesOf([
      { ...sampled('a', 8), ...measures },
      { ...sampled('a', 32), ...measures },
      sampled('unigram', 8, { control: 'unigram' }),
      { ...real, samples: { ...real.samples, sampler: null, name: dataset.name } },
    ]);
    expect(others).toEqual([]);
    expect(gen).toMatchObject({
      steps: [8, 32],
      references: [dataset.name],
      mauve: { name: 'gpt2', path: 'gpt2.onnx', context: 128 },
      brier: 64,
      controls: true,
    });
  });

  it('a comparison with real text that is not among the rows is said', () => {
    const [{ text }] = suiteFiles(
      rowsOfResults([{ ...sampled('a', 8), brier: BRIER }, sampled('b', 8)]),
      's.yaml',
    );
    expect(text).toContain('since the real text that it was compared with is not among these rows');
  });

  it('what no suite gives is said, with why', () => {
    const rows = rowsOfResults([
      sampled('a', 8),
      sampled('unigram', 8, { control: 'unigram' }),
      generatedResult('b', 8, 90, 5.5),
    ]);
    const [first, ...others] = suiteFiles(rows, 'suite.yaml');
    expect(others).toEqual([]);
    expect(first.text).toContain(
      '# No suite gives this row, since the texts are of a samples file.\n#   duo-eval gen ',
    );
    expect(first.text).toContain('since controls stand beside the models of a run');
  });
});
