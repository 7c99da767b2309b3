import { describe, expect, it } from 'vitest';
import { END, SPACE, strip, WORD } from '../../src/datasets/python-text.js';

describe("Python's meaning of text", () => {
  it('has its 29 white space characters', () => {
    const space = new RegExp(`^[${SPACE}]$`);
    const found = [];
    for (let code = 0; code < 0x10000; code++) if (space.test(String.fromCharCode(code))) found.push(code);
    // [c for c in range(0x110000) if chr(c).isspace()]
    const python = [
      9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 133, 160, 5760, 8192, 8193, 8194, 8195, 8196, 8197,
    ];
    python.push(8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288);
    expect(found).toEqual(python);
  });

  it('has letters, numbers of every kind and the underscore as word characters, but no combining mark', () => {
    const word = new RegExp(`^[${WORD}]$`, 'u');
    for (const character of ['a', 'é', '中', '𝐀', '²', 'Ⅳ', '①', '٣', '_', 'ª']) {
      expect(word.test(character), character).toBe(true);
    }
    for (const character of ['\u0301', '\u093f', '-', "'", '\u200d', ' ']) {
      expect(word.test(character), JSON.stringify(character)).toBe(false);
    }
  });

  it('has $ at the end and before a final newline only', () => {
    const end = new RegExp(`x${END}`, 'u');
    expect(['x', 'x\n', 'x\n\n', 'x\r\n', 'x y'].map((text) => end.test(text))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it('strips a control separator but not a byte order mark', () => {
    expect(strip('\x1c\u3000 a b \x85\n')).toBe('a b');
    expect(strip('\ufeffa\ufeff')).toBe('\ufeffa\ufeff');
    expect(strip(' \n ')).toBe('');
  });
});
