import { describe, expect, it } from 'vitest';
import { notesOf } from '../../src/results/printers/notes.js';
import { type PerplexityResult, resultsFile } from '../../src/results/record.js';
import { sampleFile, sampleResult } from './sample.js';

const strict = (result: PerplexityResult): PerplexityResult => {
  const { estimator, draws } = result.protocol;
  return { ...result, protocol: { ...result.protocol, name: 'strict', timeRange: null, estimator, draws } };
};
const lines = (results: PerplexityResult[], options = {}) => notesOf(resultsFile(results), options);

describe('the notes under a table', () => {
  it('name a protocol once for all its models, and which of them are exact', () => {
    const [first, ...rest] = lines(sampleFile().results);
    expect(first).toBe(
      'Protocol duo, 128 tokens a sequence, 20 draws each: the mean over t in [0.001, 1], as the reference code takes ' +
        'it; it compares with published figures and is not a bound. ar: exact, nothing is drawn.',
    );
    expect(rest.join()).not.toContain('Protocol');
  });

  it('call only the models exact that are, whatever the protocol', () => {
    const [first] = lines(['ar', 'mdlm', 'duo'].map((name) => strict(sampleResult(name))));
    expect(first).toBe(
      'Protocol strict, 128 tokens a sequence, 20 draws each: the integral over all noise levels, a bound on −ln p. ' +
        'ar: exact, nothing is drawn.',
    );
  });

  it('say nothing of draws where nothing is drawn', () => {
    const notes = lines([sampleResult('ar')]);
    expect(notes[0]).toBe('Protocol duo, 128 tokens a sequence; ar: exact, nothing is drawn.');
    expect(notes.join()).not.toContain('draw error');
  });

  it('explain the draw error where it is shown, and that it is a bound at 1 draw', () => {
    const one = sampleResult('duo');
    expect(lines([one]).join()).toMatch(
      /"draw error" is that of nats\/token over draws of the noise alone\./,
    );
    one.protocol.draws = 1;
    expect(lines([one]).join()).toContain('at 1 draw an upper bound of it.');
    expect(lines([one], { drawError: false }).join()).not.toContain('draw error');
  });

  it('give the range of draws where --until stopped some earlier', () => {
    const [a, b] = [sampleResult('mdlm'), sampleResult('duo')];
    a.protocol.draws = 8;
    expect(lines([a, b])[0]).toContain('8 to 20 draws each');
  });

  it('warn once a data set that a limit is no random sample', () => {
    const limited = lines(sampleFile().results).filter((note) => note.includes('not a random sample'));
    expect(limited).toEqual([
      'sotu: only the first 64 of 1458 sequences, not a random sample.',
      'moby-dick: only the first 64 of 1458 sequences, not a random sample.',
    ]);
  });
});
