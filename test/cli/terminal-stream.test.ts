import { describe, expect, it } from 'vitest';
import { sentenceLines, streamHasColor, streamWidth } from '../../src/cli/terminal.js';

describe('a sentence', () => {
  it('is wrapped in a terminal, under its indent', () => {
    const lines = sentenceLines('one two three four', { isTTY: true, columns: 12 }, '  ');
    expect(lines).toBe('  one two\n  three four');
  });

  it('stays on one line elsewhere, so that a log can be searched', () => {
    expect(sentenceLines('a '.repeat(100), { columns: 12 })).toBe('a '.repeat(100));
  });
});

describe('a stream', () => {
  it('has colour in a terminal, unless NO_COLOR or a dumb terminal says otherwise', () => {
    expect(streamHasColor({ isTTY: true }, {})).toBe(true);
    expect(streamHasColor({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
    expect(streamHasColor({ isTTY: true }, { NO_COLOR: '' })).toBe(true);
    expect(streamHasColor({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(streamHasColor({}, {})).toBe(false);
    expect(streamHasColor({}, { FORCE_COLOR: '1' })).toBe(true);
    expect(streamHasColor({}, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  });

  it('is as wide as its terminal, else COLUMNS, else 80', () => {
    expect(streamWidth({ isTTY: true, columns: 132 }, { COLUMNS: '60' })).toBe(132);
    expect(streamWidth({}, { COLUMNS: '60' })).toBe(60);
    expect(streamWidth({}, { COLUMNS: 'wide' })).toBe(80);
    expect(streamWidth({}, {})).toBe(80);
  });
});
