import { describe, expect, it } from 'vitest';
import { errorAlone, intervalOf, plain, valueAlone, valueWithError } from '../../src/printing/numbers.js';

describe('printed figures', () => {
  it.each([
    [145.28, 2.13, '145.3 ± 2.1'],
    [4.97863, 0.01442, '4.979 ± 0.014'],
    [34172.4, 1234.5, '34172 ± 1235'],
    [9.99961, 0.0996, '10.00 ± 0.10'],
    [-0.0121, 0.0094, '-0.0121 ± 0.0094'],
    [-0.00001, 0.0045, '0.0000 ± 0.0045'],
    [2.5e9, 1.25e8, '2.50e+9 ± 1.3e+8'],
    [145.28, null, '145.3'],
    [145.28, 0, '145.3 ± 0'],
    [null, null, ''],
  ])('%d with standard error %d is "%s"', (value, stderr, text) => {
    expect(valueWithError({ value, stderr })).toBe(text);
  });

  it('has one digit of the standard error in an interval', () => {
    expect(intervalOf({ stderr: 2.13, ci95: [141.02, 149.54] })).toBe('[141, 150]');
    expect(intervalOf({ stderr: 0.0144, ci95: [4.9504, 5.0068] })).toBe('[4.95, 5.01]');
    expect(intervalOf({ stderr: null, ci95: null })).toBe('');
  });

  it('has the digits its error supports when it stands alone, else four', () => {
    expect(valueAlone({ value: 3.53472, stderr: 0.0151 })).toBe('3.535');
    expect(valueAlone({ value: 3.53472, stderr: null })).toBe('3.535');
    expect([plain(5242.88), plain(31.25), plain(0.000123456), plain(0), plain(null)]).toEqual([
      '5243',
      '31.25',
      '0.0001235',
      '0',
      '',
    ]);
    expect([errorAlone(0.004193), errorAlone(0), errorAlone(null)]).toEqual(['0.0042', '0', '']);
  });
});
