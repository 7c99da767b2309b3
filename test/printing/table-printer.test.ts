import { describe, expect, it } from 'vitest';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { formatResults } from '../../src/printing/formats.js';
import { displayWidth } from '../../src/terminal-text.js';
import { sampleFile } from '../records/sample.js';

const table = (width: number, color = false, file = sampleFile()) =>
  formatResults(file, 'table', EVALUATIONS, { width, color });
const widest = (text: string) => Math.max(...text.split('\n').map(displayWidth));

describe('the table', () => {
  it('fits 80 columns with model, data set, perplexity ±, interval and bits per byte', async () => {
    const text = await table(80);
    expect(widest(text)).toBeLessThanOrEqual(80);
    const [head, , first] = text.split('\n');
    for (const title of ['model', 'data set', 'perplexity', '95% interval', 'bits/byte'])
      expect(head).toContain(title);
    expect(first).toMatch(/^ar +sotu +57\.64 ± 0\.61 +\[56\.4, 58\.9\] +2\.8795/);
  });

  it('grows with the width', async () => {
    const text = await table(160);
    expect(widest(text)).toBeLessThanOrEqual(160);
    const head = text.split('\n')[0];
    for (const title of [
      'nats/token',
      'draw error',
      'sequences',
      'tokens',
      'draws',
      'protocol',
      'tokens/s',
    ]) {
      expect(head).toContain(title);
    }
  });

  it.each([48, 60, 80, 100, 132, 160, 240])('never passes %i columns, whatever the names', async (width) => {
    const file = sampleFile();
    for (const result of file.results) {
      result.model.name = `模型-duo-openwebtext-a-million-steps-${result.model.name}-${'x'.repeat(60)}`;
      result.dataset.name = 'a-data-set-with-a-long-name-of-its-own';
    }
    for (const row of file.comparisons) {
      row.a = `duo-openwebtext-${'y'.repeat(60)}`;
      row.dataset = 'a-data-set-with-a-long-name-of-its-own';
    }
    expect(widest(await table(width, false, file))).toBeLessThanOrEqual(width);
  });

  it('shortens long names in the middle, so that the ends that differ stay', async () => {
    const file = sampleFile();
    for (const result of file.results)
      result.model.name = `duo-openwebtext-one-million-steps-ema-${result.model.name}`;
    const rows = (await table(80, false, file)).split('\n').slice(2, 5);
    expect(rows.map((row) => row.split(' ')[0])).toEqual([
      expect.stringMatching(/^duo-o.*….*-ar$/),
      expect.stringMatching(/^duo-o.*….*-mdlm$/),
      expect.stringMatching(/^duo-o.*….*-duo$/),
    ]);
  });

  it('marks differences that may be chance, and says what the marks and errors mean', async () => {
    const lines = (await table(80)).split('\n');
    expect(lines).toContainEqual(
      expect.stringMatching(/^~ +mdlm − duo +sotu +-0\.0121 ± 0\.0094 +\[-0\.031, 0\.007\]$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^ +ar − mdlm +sotu/));
    const text = lines.join(' ');
    expect(text).toContain('~ marks a difference whose 95% interval holds 0.');
    expect(text).toContain('sotu: 64 of 1458 sequences, spread evenly.');
  });

  it('has colour only when asked', async () => {
    expect(await table(80)).not.toContain('\x1b');
    expect(await table(80, true)).toContain('\x1b[1m');
    expect(widest(await table(80, true))).toBeLessThanOrEqual(80);
  });

  it('prints nothing of the control characters in names', async () => {
    const file = sampleFile();
    file.results[0].model.name = '\x1b[2J\x1b]0;title\x07evil\u202egnp\nname\x9b31m';
    const text = await table(80, false, file);
    expect(text).toContain('evilgnp name');
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  });

  it('leaves unknown figures empty', async () => {
    const file = sampleFile();
    file.results[0].metrics.ppl = { value: 12.5, stderr: null, ci95: null, mcStderr: null };
    file.results[0].metrics.bitsPerByte = { value: null, stderr: null, ci95: null, mcStderr: null };
    const row = (await table(60, false, file)).split('\n')[2];
    expect(row).toMatch(/^ar +sotu +12\.50$/);
  });
});
