/**
 * Regular expressions in a tokenizer that take exponential or quadratic time on some texts, and the texts that make them. A
 * tokenizer must be refused, or encode such a text in time and to ids that are its own.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '../broken.mjs';
import { tokenizerFolder } from '../seeds.mjs';

/** Each with a letter that it repeats over, and what makes it fail at the end. */
const atoms = [
  'a',
  '[ab]',
  '\\w',
  '.',
  '(?:a|b)',
  '(?:a|a)',
  '[^!]',
  '\\p{L}',
  '(a)',
  '(?=a)a',
  '\\s',
  '(?:a|ab)',
];
const repeats = ['+', '*', '{1,40}', '{2,}', '+?', '*?'];
const ends = ['$', '!', '\\b!', '(?!.)', '\\1', 'c', '(?<=b)$', '\\z', ''];

function expression(random) {
  let inner = random.of(atoms);
  const levels = random.between(1, 3);
  for (let level = 0; level < levels; level++) {
    const more = random.chance(0.3) ? `${random.of(atoms)}${random.of(repeats)}` : '';
    inner = `(${inner}${random.of(repeats)}${more})`;
    inner += random.of(repeats);
  }
  if (random.chance(0.3)) inner += `${random.of(atoms)}${random.of(repeats)}`;
  return `${random.chance(0.2) ? '^' : ''}${inner}${random.of(ends)}`;
}

const pieces = ['a', 'b', 'ab', ' ', 'aab', 'é', '\n'];
const text = (random) =>
  `${random.of(pieces).repeat(random.of([30, 40, 200, 5000]))}${random.of(['!', '?', 'c', '', '\n'])}`;

export const expressions = ({ program }) => {
  const whole = JSON.parse(readFileSync(join(tokenizerFolder, 'tokenizer.json'), 'utf8'));
  return {
    prepare(random, folder) {
      const pattern = { Regex: expression(random) };
      const texts = [text(random), `${text(random)} and ${text(random)}`];
      const place = random.of(['split', 'replace', 'both']);
      const tokenizer = structuredClone(whole);
      const split = {
        type: 'Split',
        pattern,
        behavior: random.of(['Isolated', 'Removed', 'MergedWithNext']),
        invert: random.chance(0.3),
      };
      if (place !== 'replace')
        tokenizer.pre_tokenizer = {
          type: 'Sequence',
          pretokenizers: [split, ...(whole.pre_tokenizer ? [whole.pre_tokenizer] : [])],
        };
      if (place !== 'split')
        tokenizer.normalizer = { type: 'Replace', pattern, content: random.of(['', 'b', 'aa', '$1']) };
      writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
      return {
        how: `${place} /${pattern.Regex}/ over ${JSON.stringify(texts[0].slice(0, 12))} … (${texts[0].length})`,
        async read() {
          const { loadTokenizer } = await import(`${program}/datasets/tokenizer.js`);
          const tokenizer = await loadTokenizer(folder);
          const { vocabSize } = tokenizer;
          for (const one of texts) {
            const ids = await tokenizer.encode(one);
            const strange = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
            expect(strange === undefined, `it gives the id ${strange} of ${vocabSize}`);
          }
        },
      };
    },
  };
};
