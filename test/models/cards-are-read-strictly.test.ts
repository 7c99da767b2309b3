import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readCard } from '../../src/models/card.js';
import { parseStrictJson } from '../../src/strict-json.js';
import { temporaryFolder } from '../support/folder.js';

const cardOf = (content: string | Buffer) => {
  const folder = temporaryFolder().root;
  writeFileSync(`${folder}/a.card.json`, content);
  return () => readCard(`${folder}/a.onnx`);
};

describe('a card', () => {
  it('that is not UTF-8 is refused, since its paths could not be told', () => {
    const latin1 = Buffer.from('{"tokenizer":"f\xfcnf"}', 'latin1');
    expect(cardOf(latin1)).toThrow(/it is not valid JSON \(it is not UTF-8 text\)/);
  });

  it('nested without reason is refused, in a known key and in an unknown one', () => {
    const deep = (key: string) => `{"${key}":${'['.repeat(1e5)}${']'.repeat(1e5)}}`;
    for (const key of ['schedule', 'mine']) expect(cardOf(deep(key))).toThrow(/nested more than 200 levels/);
  });

  it('may begin with a byte order mark', () => {
    expect(cardOf('\ufeff{"note":"a"}')()?.card).toEqual({ note: 'a' });
  });
});

describe('strict JSON', () => {
  it('is nested up to 200 levels', () => {
    const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(() => parseStrictJson(deep(200))).not.toThrow();
    expect(() => parseStrictJson(deep(202))).toThrow(SyntaxError);
  });
});
