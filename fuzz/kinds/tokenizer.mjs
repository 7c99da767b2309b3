/** A tokenizer.json and what lies beside it. Accepted, it must encode text to ids of its own vocabulary, and back. */
import { isUtf8 } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonBombs } from '../bombs.mjs';
import { expect } from '../broken.mjs';
import { damage, mutations, textMutations } from '../mutations.mjs';
import { tokenizerSeeds } from '../seeds.mjs';

const kinds = { ...mutations, ...textMutations };
const text = 'The quick brown fox, 12 of them!  Jumped\n\nover the fünf lazy dogs ✓ and a bee.';

export const tokenizer = ({ program }) => {
  const seeds = tokenizerSeeds();
  return {
    prepare(random, folder) {
      const seed = random.of(seeds);
      const files = { 'tokenizer.json': seed.bytes, ...seed.files };
      let how;
      // Mostly the tokenizer itself; what lies beside it now and then.
      if (random.chance(0.1)) how = insertPart(files, random);
      const name = random.chance(0.9) ? 'tokenizer.json' : random.of(Object.keys(files));
      if (how !== undefined) {
        // The part alone is the trial.
      } else if (random.chance(0.02)) {
        how = random.of(Object.keys(jsonBombs));
        files[name] = jsonBombs[how]();
      } else {
        const damaged = damage(files[name], random, kinds);
        how = damaged.how;
        files[name] = damaged.bytes;
      }
      for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes);
      return { how: `${seed.name}, ${name}: ${how}`, read: () => readTokenizer(program, folder, files) };
    },
  };
};

/** Expressions that take for ever on the letters of `endless`, and chains that ask for much. */
const expressions = [
  '(a+)+$',
  '(a|a)*$',
  '(a|aa)+$',
  '(?:a*)*b',
  '(.*a){20}',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '\\s+$',
];
const endless = `${'a'.repeat(40)}!`;

function insertPart(files, random) {
  const tokenizer = JSON.parse(files['tokenizer.json'].toString('utf8'));
  const pattern = { Regex: random.of(expressions) };
  const replace = { type: 'Replace', pattern, content: 'aa' };
  const parts = {
    'a pre-tokenizer': () => {
      tokenizer.pre_tokenizer = { type: 'Split', pattern, behavior: 'Isolated', invert: random.chance(0.5) };
    },
    'a normalizer': () => {
      tokenizer.normalizer = replace;
    },
    'a decoder': () => {
      tokenizer.decoder = replace;
    },
    'a chain of normalizers': () => {
      const part = random.of([replace, { type: 'Prepend', prepend: 'a'.repeat(1000) }, { type: 'NFKD' }]);
      tokenizer.normalizer = { type: 'Sequence', normalizers: new Array(200).fill(part) };
    },
  };
  const kind = random.of(Object.keys(parts));
  parts[kind]();
  files['tokenizer.json'] = Buffer.from(JSON.stringify(tokenizer));
  return `${kind} with ${pattern.Regex}`;
}

async function readTokenizer(program, folder, files) {
  const { loadTokenizer } = await import(`${program}/datasets/tokenizer.js`);
  const tokenizer = await loadTokenizer(folder);
  const { vocabSize, bosTokenId, eosTokenId } = tokenizer;
  const pieces = [...tokenizer.encodePieces(text)].flat();
  const ids = tokenizer.encode(text);
  tokenizer.encode(endless);
  const decoded = tokenizer.decode(ids, { cleanUp: false });
  const length = tokenizer.byteLength(ids);

  for (const [name, bytes] of Object.entries(files))
    expect(isUtf8(bytes), `${name} is not UTF-8 and was read`);
  const isId = (id) => Number.isInteger(id) && id >= 0 && id < vocabSize;
  expect(Number.isInteger(vocabSize) && vocabSize > 0, `the vocabulary has ${vocabSize} tokens`);
  expect(ids.every(isId), `it gives the id ${ids.find((id) => !isId(id))} of ${vocabSize}`);
  for (const id of [bosTokenId, eosTokenId])
    expect(id === null || isId(id), `it has the special token ${id}`);
  expect(String(pieces) === String(ids), 'pieces differ from the whole');
  expect(typeof decoded === 'string', `it decodes to ${typeof decoded}`);
  expect(
    length === Buffer.byteLength(decoded),
    `its text takes ${Buffer.byteLength(decoded)} bytes, not ${length}`,
  );
  checkVocabulary(JSON.parse(files['tokenizer.json'].toString('utf8')));
}

/** What every reader of such files relies on: one token an id, and merges of tokens there are. */
function checkVocabulary({ model }) {
  if (Array.isArray(model.vocab)) {
    for (const entry of model.vocab)
      expect(
        Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number',
        `a token is ${JSON.stringify(entry)}`,
      );
    return;
  }
  const ids = Object.values(model.vocab);
  expect(new Set(ids).size === ids.length, 'two tokens have one id');
  for (const merge of model.merges ?? []) {
    const pair = typeof merge === 'string' ? merge.split(' ') : merge;
    expect(Array.isArray(pair) && pair.length === 2, `a merge is ${JSON.stringify(merge)}`);
    for (const token of [...pair, pair.join('')])
      expect(Object.hasOwn(model.vocab, token), `a merge has ${JSON.stringify(token)}, which is no token`);
  }
}
