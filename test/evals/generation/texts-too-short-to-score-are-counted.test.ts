/** About src/evals/generation/run.ts, notes.ts and src/evals/frontier/notes.ts */
import { expect, it } from 'vitest';
import { frontierNotes } from '../../../src/evals/frontier/notes.js';
import type { Judge } from '../../../src/evals/generation/judge.js';
import { generativeNotes } from '../../../src/evals/generation/notes.js';
import { measureTexts } from '../../../src/evals/generation/run.js';
import type { TextSet } from '../../../src/evals/generation/texts.js';
import { frontierResult } from '../throughput/bench-sample.js';
import { generativeResult } from './generative-sample.js';

const { samples, judge: record } = generativeResult('duo');
const { sha256: _, count: __, nfe: ___, seconds: ____, name, ...facts } = samples;

/** A judge that finds a nat a token in texts of more than one token. */
const judge = {
  context: 1024,
  runtime: { provider: null, threads: null },
  idsOf: (text: string) => Int32Array.from(text, (letter) => letter.charCodeAt(0)),
  record: async () => record,
  judge: async (_name: string, texts: readonly Int32Array[]) => {
    const tokens = Float64Array.from(texts, ({ length }) => Math.max(0, length - 1));
    return { nats: tokens, tokens, modelCalls: texts.length, wallSeconds: 1, resumed: 0 };
  },
} as unknown as Judge;

function setOf(texts: readonly string[]): TextSet {
  async function* each() {
    for (const text of texts) yield { tokens: [1, 2, 3, 4], text, nfe: 1, seconds: 1 };
  }
  return { name, model: null, dataset: null, count: texts.length, tokenizer: null, facts, texts: each() };
}
const measured = async (texts: readonly string[]) =>
  (await measureTexts(setOf(texts), { protocol: 'duo', seed: 1, judge }, {})).result;

it('texts that a perplexity leaves out are in the record, and said', async () => {
  const result = await measured(['abc', '', 'abcd', 'x', 'ab']);
  expect(result.unscored).toBe(2);
  expect(result.metrics.genPpl.value).toBeCloseTo(Math.E, 9);
  expect(generativeNotes([result]).join('\n')).toContain('left out of the perplexity: 2 of 5 texts of duo.');
});

it('where there are none, nothing is said', async () => {
  const result = await measured(['abc', 'abcd', 'ab']);
  expect('unscored' in result).toBe(false);
  expect(generativeNotes([result]).join('\n')).not.toContain('left out');
});

it('those of a sweep are said with their temperature', () => {
  const { points, ...sweep } = frontierResult('duo', 480);
  const [first, ...others] = points;
  const result = { ...sweep, points: [{ ...first, unscored: 3 }, ...others] };
  const notes = frontierNotes([result], { labelOf: ({ model }) => model.name, all: [] }).join('\n');
  expect(notes).toContain(
    `left out of the perplexity: 3 of 64 texts of duo at temperature ${first.temperature}.`,
  );
});
