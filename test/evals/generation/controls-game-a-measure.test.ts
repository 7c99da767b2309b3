/** About src/evals/generation/controls.ts, continuations.ts and notes.ts */
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../../src/datasets/tokenizer.js';
import { brierOfControl, readPrompts } from '../../../src/evals/generation/continuations.js';
import { controlsOf } from '../../../src/evals/generation/controls.js';
import { unigramEntropy } from '../../../src/evals/generation/diversity.js';
import { generativeNotes } from '../../../src/evals/generation/notes.js';
import { fixture } from '../../support/run.js';
import { generativeResult } from './generative-sample.js';

const tokenizer = await loadTokenizer(fixture('bpe-1024'));
const texts = Array.from({ length: 8 }, (_, i) =>
  Int32Array.from({ length: 64 }, (_, l) => 100 + ((17 * l + 5 * i + (l % 3)) % 40)),
);
const known = { tokenizer, texts, entropy: Math.log(16), length: 64, seed: 3 };
const [unigram, periodic, repeat] = controlsOf(known);

describe('naive samplers', () => {
  it('have the entropy of the models where they have a period', () => {
    expect(periodic.period).toBe(16);
    expect(unigramEntropy(periodic.write(0))).toBeCloseTo(Math.log(16), 12);
    const mean = (period: number) =>
      texts.reduce((sum, text) => sum + unigramEntropy(text.subarray(0, period)), 0) / texts.length;
    // by `controlsOf`, every control but unigram has a period
    expect(mean(repeat.period!)).toBeGreaterThanOrEqual(Math.log(16));
    expect(mean(repeat.period! - 1)).toBeLessThan(Math.log(16)); // as above
  });

  it('write tokens of real text by their shares, and go on from a prompt', () => {
    const seen = new Map<number, number>();
    for (let sample = 0; sample < 400; sample++)
      for (const token of unigram.write(sample)) seen.set(token, (seen.get(token) ?? 0) + 1);
    const all = texts.flatMap((text) => [...text]);
    const share = all.filter((token) => token === 100).length / all.length;
    expect((seen.get(100) ?? 0) / (400 * 64)).toBeCloseTo(share, 2);
    const prompt = Int32Array.of(1, 2, 3, 4, 5);
    expect([...repeat.write(7, prompt).subarray(0, 12)]).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2]);
    expect([...unigram.write(7, prompt).subarray(0, 5)]).toEqual([...prompt]);
  });

  it('score 0, and not 1, where all four Brier scores are below 0', async () => {
    const dataset = { spec: 'sotu' };
    const prompts = await readPrompts({ dataset, items: 8 }, { tokenizer, length: 64, protocol: 'duo' }, {});
    const { metrics } = brierOfControl(repeat, prompts, 1);
    expect(metrics.brier1?.value).toBeLessThan(0);
    expect(metrics.brier4?.value).toBe(-1);
    expect(metrics.brierLm?.value).toBe(0);
  });

  it('are named in the notes where they beat a model beyond errors', () => {
    const figure = (value: number, stderr: number) => ({ value, stderr, ci95: null });
    const row = (name: string, nll: number, mauve: number, control?: 'repeat') => {
      const one = generativeResult(name);
      const metrics = {
        ...one.metrics,
        ...{ genPpl: figure(Math.exp(nll), 1), genNll: figure(nll, 0.1), mauve: figure(mauve, 0.02) },
      };
      return { ...one, metrics, samples: { ...one.samples, ...(control && { control }) } };
    };
    const notes = generativeNotes([row('mdlm', 6, 0.5), row('repeat', 3, 0.01, 'repeat')]).join('\n');
    expect(notes).toMatch(/gen\. perplexity is gamed here: control repeat .* beats mdlm/);
    expect(notes).toMatch(/No control surely beats a model on MAUVE/);
    expect(generativeNotes([row('mdlm', 3.1, 0.5), row('repeat', 3, 0.01, 'repeat')]).join('\n')).not.toMatch(
      /is gamed/,
    );
  });
});
