import { describe, expect, it } from 'vitest';
import {
  displayWidth,
  plainLines,
  plainText,
  truncate,
  truncateMiddle,
  wrap,
} from '../../src/terminal-text.js';

describe('plain text', () => {
  it.each([
    ['colours', 'a\x1b[31;1mb\x1b[0mc', 'abc'],
    ['cursor moves', 'a\x1b[2J\x1b[1;1Hb', 'ab'],
    ['window titles', 'a\x1b]0;owned\x07b', 'ab'],
    ['links', 'a\x1b]8;;http://x\x1b\\b\x1b]8;;\x1b\\c', 'abc'],
    ['device strings', 'a\x1bP1$r0m\x1b\\b', 'ab'],
    ['8-bit sequences', 'a\x9b31mb\x9d0;t\x9cc', 'abc'],
    ['single escapes', 'a\x1bcb', 'ab'],
    ['sequences cut off at the end', 'a\x1b[31', 'a31'],
    ['an unterminated title', 'a\x1b]0;t', 'a0;t'],
    ['control characters', 'a\x00\x08\x7f\x85b', 'a b'],
    ['bidirectional overrides', 'a\u202egpj\u202c\u2066b\u2069', 'agpjb'],
    ['line ends and tabs', 'a\r\n\tb\u2028c', 'a b c'],
    ['invisible spaces and tags', 'a\u200b\ufeff\u{e0041}b', 'ab'],
    ['half a surrogate pair', 'a\ud83db', 'a\ufffdb'],
  ])('is without %s', (_what, text, expected) => {
    expect(plainText(text)).toBe(expected);
  });

  it('keeps every letter of every script, and joined emoji', () => {
    for (const text of ['Grüße', '模型', 'नमस्ते', 'שלום', '👩‍🔬', 'e\u0301'])
      expect(plainText(text)).toBe(text);
  });

  it('keeps the lines of a message', () => {
    expect(plainLines('a\x1b[0m\nb\r\nc')).toBe('a\nb\nc');
  });

  it('takes time in proportion to the text, however it is made', () => {
    const hostile = '\x1b]\x1b[\x1bP'.repeat(100_000);
    expect(plainText(hostile)).not.toMatch(/\x1b/);
  });
});

describe('width', () => {
  it('counts columns, not characters', () => {
    expect([displayWidth('abc'), displayWidth('模型'), displayWidth('e\u0301')]).toEqual([3, 4, 1]);
  });

  it('shortens to the columns there are', () => {
    expect(truncate('duo-openwebtext', 8)).toBe('duo-ope…');
    expect(truncate('模型模型', 4)).toBe('模…');
    expect(truncate('short', 8)).toBe('short');
    expect(truncateMiddle('duo-openwebtext-ar', 9)).toBe('duo-…t-ar');
    expect(displayWidth(truncateMiddle('模型模型模型', 6))).toBeLessThanOrEqual(6);
  });

  it('breaks lines at spaces', () => {
    expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
  });
});
