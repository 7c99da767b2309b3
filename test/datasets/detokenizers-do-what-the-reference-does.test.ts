import { describe, expect, it } from 'vitest';
import { type DetokenizerName, detokenizer } from '../../src/datasets/detokenizers.js';
import { oracle } from './oracle.js';

const { cases } = oracle('detokenizers') as { cases: (Record<DetokenizerName, string> & { text: string })[] };

describe('detokenizers', () => {
  it.each(['ptb', 'wikitext', 'lm1b', 'lambada', 'scientific-papers'] as const)(
    '%s gives what the reference gives in Python, on tricky texts',
    (name) => {
      expect(cases.length).toBeGreaterThan(150);
      for (const { text, [name]: expected } of cases) {
        expect(detokenizer(name).detokenize(text), JSON.stringify(text)).toBe(expected);
      }
    },
  );

  it('end on texts that make a backtracking pattern run for hours', () => {
    const open = '( [ { '.repeat(100_000);
    expect(detokenizer('wikitext').detokenize(open)).toBe(open);
    const spaces = `(${' '.repeat(200_000)}x`;
    expect(detokenizer('wikitext').detokenize(spaces)).toBe(spaces);
  });
});
