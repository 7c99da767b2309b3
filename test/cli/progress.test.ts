import { describe, expect, it, vi } from 'vitest';
import { formatDuration, Progress } from '../../src/cli/progress.js';
import { endOf, partOf, partsOf } from '../../src/observer.js';
import { displayWidth } from '../../src/terminal-text.js';

/** A stream that keeps what is written, and a clock that is set by hand. */
function stage(terminal: boolean, columns = 60) {
  const written: string[] = [];
  let time = 1000;
  const stream = { isTTY: terminal, columns, write: (text: string) => written.push(text) };
  const progress = new Progress({ stream, now: () => time });
  return { written, progress, pass: (ms: number) => (time += ms) };
}

describe('progress in a terminal', () => {
  it('redraws one line with what is done and the time left', () => {
    const { written, progress, pass } = stage(true);
    progress.start(200, 'duo on sotu');
    pass(10_000);
    progress.update(50, 'ppl 145.3');
    progress.stop();
    expect(written).toEqual([
      '\rduo on sotu  0/200  0%\x1b[K',
      '\rduo on sotu  50/200 25%  30 s left  ppl 145.3\x1b[K',
      '\r\x1b[K',
    ]);
  });

  it('begins anew for other work, and counts only what is done while the total is unknown', () => {
    const { written, progress, pass } = stage(true);
    progress.show('packing text', 5, null);
    pass(1000);
    progress.show('packing text', 9, null);
    pass(1000);
    progress.show('duo on text', 1, 4);
    expect(written).toEqual([
      '\rpacking text  5\x1b[K',
      '\rpacking text  9\x1b[K',
      '\r\x1b[K',
      '\rduo on text  1/4 25%\x1b[K',
    ]);
  });

  it('estimates the time left from this run alone when work was resumed', () => {
    const { written, progress, pass } = stage(true);
    progress.start(200, 'duo', 100);
    pass(10_000);
    progress.update(150);
    expect(written.at(-1)).toContain('150/200 75%  10 s left');
  });

  it('does not draw more often than the eye sees, but always the end', () => {
    const { written, progress, pass } = stage(true);
    progress.start(1000, 'duo');
    for (let done = 1; done <= 1000; done++) {
      pass(1);
      progress.update(done);
    }
    expect(written.length).toBeLessThanOrEqual(12);
    expect(written.at(-1)).toContain('1000/1000 100%');
  });

  it('never passes the width, and strips what could act on the terminal', () => {
    const { written, progress, pass } = stage(true, 30);
    progress.start(1458, `\x1b[31m${'模型'.repeat(20)}`);
    pass(5000);
    progress.update(700, 'a long estimate so far');
    for (const line of written) {
      const text = line.replace('\r', '').replace('\x1b[K', '');
      expect(text).not.toContain('\x1b');
      expect(displayWidth(text)).toBeLessThan(30);
    }
  });
});

it('says how far the work is, for a run that is stopped', () => {
  const { progress } = stage(true);
  expect(progress.reached).toBeNull();
  progress.show('duo on sotu', 3160, 6000);
  expect(progress.reached).toBe('duo on sotu, 3160 of 6000');
  progress.show('packing', 7, null);
  expect(progress.reached).toBeNull();
});

describe('progress of parts', () => {
  it('estimates the time left of all of them, and never goes back', () => {
    const { written, progress, pass } = stage(true, 70);
    progress.show('duo on ptb', 0, 10, '', 0);
    pass(10_000);
    progress.show('duo on ptb', 10, 10, '', 0.25);
    expect(written.at(-1)).toContain('duo on ptb  10/10 100%  30 s left in all');
    pass(1000);
    progress.show('ar on ptb', 0, 4, '', 0.2);
    expect(written.at(-1)).toContain('ar on ptb  0/4  0%  33 s left in all');
  });

  it('are told as shares of the whole, also of parts within parts', () => {
    const shares: (number | undefined)[] = [];
    const names: string[] = [];
    const whole = {
      progress(work: string, _done: number, _total: number | null, _detail?: string, overall?: number) {
        names.push(work);
        shares.push(overall);
      },
    };
    const [first, second] = partsOf([1, 3]);
    partOf(whole, first).progress?.('a', 1, 2);
    const named = (work: string) => `b: ${work}`;
    const [, half] = partsOf([5, 5]);
    partOf(partOf(whole, { ...second, named }), half).progress?.('c', 1, 4);
    partOf(whole, second).progress?.('d', 7, null);
    // Short work behind a part, such as judging its texts, leaves the share where it is.
    partOf(whole, endOf(first)).progress?.('e', 1, 10);
    expect(shares).toEqual([0.125, 0.25 + 0.75 * (0.5 + 0.125), 0.25, 0.25]);
    expect(names).toEqual(['a', 'b: c', 'd', 'e']);
  });
});

it('what is done beyond the total, or of none, is counted alone', () => {
  const { written, progress, pass } = stage(true);
  progress.show('judging', 137, 0);
  pass(1000);
  progress.show('judging', 12, 10);
  expect(written).toEqual(['\rjudging  137\x1b[K', '\rjudging  12\x1b[K']);
});

it('while a long call lasts, the line is drawn again with the time that has passed', () => {
  vi.useFakeTimers();
  try {
    for (const [terminal, every] of [
      [true, 1000],
      [false, 30_000],
    ] as const) {
      const { written, progress, pass } = stage(terminal);
      progress.start(4, 'duo');
      pass(60_000);
      progress.update(1);
      const before = written.length;
      pass(every);
      vi.advanceTimersByTime(every);
      expect(written.length).toBe(before + 1);
      expect(written.at(-1)).toContain(terminal ? '1/4 25%  2 min 59 s left' : '1/4 25%  2 min 30 s left');
      progress.stop();
      const after = written.length;
      vi.advanceTimersByTime(10 * every);
      expect(written.length).toBe(after);
    }
  } finally {
    vi.useRealTimers();
  }
});

describe('progress in a log', () => {
  it('is a plain line at most every ten seconds', () => {
    const { written, progress, pass } = stage(false);
    progress.start(100, 'duo on sotu');
    for (let done = 1; done <= 35; done++) {
      pass(1000);
      progress.update(done);
    }
    progress.stop();
    expect(written).toEqual([
      'duo on sotu  10/100 10%  1 min 30 s left\n',
      'duo on sotu  20/100 20%  1 min 20 s left\n',
      'duo on sotu  30/100 30%  1 min 10 s left\n',
    ]);
  });

  it('is silent when asked to be quiet', () => {
    const written: string[] = [];
    const progress = new Progress({
      quiet: true,
      stream: { isTTY: true, write: (text) => written.push(text) },
    });
    progress.start(2, 'duo');
    progress.update(2);
    progress.stop();
    expect(written).toEqual([]);
  });
});

it('writes durations as people say them', () => {
  expect([0.4, 45, 200, 3600, 7500].map(formatDuration)).toEqual([
    '0 s',
    '45 s',
    '3 min 20 s',
    '1 h 00 min',
    '2 h 05 min',
  ]);
});
