import { describe, expect, it } from 'vitest';
import type { PerplexityResult } from '../../src/evals/perplexity/record.js';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { notesOf } from '../../src/printing/notes.js';
import { resultsFile } from '../../src/records/record.js';
import { sampleFile, sampleResult } from '../records/sample.js';

const strict = (result: PerplexityResult): PerplexityResult => {
  const { estimator, draws } = result.protocol;
  return { ...result, protocol: { ...result.protocol, name: 'strict', timeRange: null, estimator, draws } };
};
const lines = (results: PerplexityResult[], shows = true) =>
  notesOf(resultsFile(results), EVALUATIONS, () => shows);

describe('the notes under a table', () => {
  it('name a protocol once for all its models, and which of them are exact', () => {
    const [first, ...rest] = lines(sampleFile().results);
    expect(first).toBe(
      'Protocol duo, 128 tokens per sequence, 20 draws each: the mean over t in [0.001, 1], as the reference code takes ' +
        'it; it compares with published figures and is not a bound. ar: exact, nothing is drawn.',
    );
    expect(rest.join()).not.toContain('Protocol');
  });

  it('say that means over other ranges of times do not compare', () => {
    const [usual, own] = [sampleResult('mdlm'), sampleResult('duo')];
    own.protocol.timeRange = [0.0001, 0.9999];
    const notes = notesOf(resultsFile([usual, own], sampleFile().comparisons), EVALUATIONS, () => true);
    expect(notes[0]).toMatch(/^Protocol duo, 128 tokens per sequence \(mdlm\), .* t in \[0\.001, 1\]/);
    expect(notes[1]).toMatch(/\(duo\), .* t in \[0\.0001, 0\.9999\]/);
    expect(notes[2]).toMatch(/^The ranges of t differ/);
    expect(lines([usual, sampleResult('duo')]).join()).not.toContain('The ranges');
  });

  it('call only the models exact that are, whatever the protocol', () => {
    const [first] = lines(['ar', 'mdlm', 'duo'].map((name) => strict(sampleResult(name))));
    expect(first).toBe(
      'Protocol strict, 128 tokens per sequence, 20 draws each: the integral over all noise levels, a bound on −ln p. ' +
        'ar: exact, nothing is drawn.',
    );
  });

  it('say nothing of draws where nothing is drawn', () => {
    const notes = lines([sampleResult('ar')]);
    expect(notes[0]).toBe('Protocol duo, 128 tokens per sequence; ar: exact, nothing is drawn.');
    expect(notes.join()).not.toContain('draw error');
  });

  it('explain the draw error where it is shown, and that it is a bound at 1 draw', () => {
    const one = sampleResult('duo');
    expect(lines([one]).join()).toMatch(
      /"draw error" is that of nats\/token over draws of the noise alone\./,
    );
    one.protocol.draws = 1;
    expect(lines([one]).join()).toContain('at 1 draw an upper bound of it.');
    expect(lines([one], false).join()).not.toContain('draw error');
  });

  it('give the range of draws where --until stopped some earlier', () => {
    const [a, b] = [sampleResult('mdlm'), sampleResult('duo')];
    a.protocol.draws = 8;
    expect(lines([a, b])[0]).toContain('8 to 20 draws each');
  });

  it('say once a data set that some of it was evaluated, and that the first are no random sample', () => {
    const { results } = sampleFile();
    const limited = (note: string) => note.includes('of 1458 sequences');
    expect(lines(results).filter(limited)).toEqual([
      'sotu: 64 of 1458 sequences, spread evenly.',
      'moby-dick: 64 of 1458 sequences, spread evenly.',
    ]);
    for (const { dataset } of results) dataset.selection = 'first';
    expect(lines(results).filter(limited)[0]).toBe(
      'sotu: only the first 64 of 1458 sequences, not a random sample.',
    );
    for (const { dataset } of results) delete dataset.selection; // of an earlier version: the first
    expect(lines(results).filter(limited)[0]).toContain('only the first 64');
  });

  it('say what ± is over, and how much wider that is than of independent sequences', () => {
    const figure = { unit: 'document', units: 19, blockLength: null, designEffect: 27 } as const;
    const result = sampleResult('duo');
    Object.assign(result.metrics.nll, figure);
    expect(lines([result])).toContain(
      '± is the standard error over 19 documents of sotu, up to 5.2 times that of independent sequences.',
    );
    Object.assign(result.metrics.nll, { ...figure, unit: 'block', units: 22, blockLength: 102 });
    expect(lines([result]).join()).toContain('over 22 blocks of 102 sequences of sotu');
    for (const key of Object.keys(figure))
      delete (result.metrics.nll as unknown as Record<string, unknown>)[key];
    expect(lines([result]).join()).toContain('takes sequences as independent: too narrow on running text');
  });
});
