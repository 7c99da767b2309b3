import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type PickleDict, readPickle } from '../../../src/models/importers/pickle.js';
import { readTorchArchive } from '../../../src/models/importers/torch-archive.js';
import { converted, fileOf, folder, largestDifference, logitsOf, oracle } from './published.js';

/** files/duo.ckpt and files/runs-code.ckpt are what torch.save wrote, the first with OmegaConf's configuration in it. */
describe('a .ckpt of the training', () => {
  it('gives the averaged weights, and what its configuration says', async () => {
    const { path, card, notices } = await converted(fileOf('duo.ckpt'));
    expect(largestDifference(await logitsOf(path), oracle.ema)).toBeLessThan(1e-4);
    expect(card).toMatchObject({
      family: 'duo',
      vocabSize: 11,
      length: 16,
      timeConditioning: true,
      schedule: { type: 'log-linear', eps: 1e-3 },
      architecture: { name: 'dit', heads: 2 },
    });
    expect(notices.join()).toMatch(/EMA/);
  });

  it('gives the last weights where there is no average', async () => {
    const source = join(folder, 'no-ema.ckpt');
    // Named otherwise, the average is no average: the same length, so that nothing else moves.
    writeFileSync(
      source,
      Buffer.from(
        readFileSync(fileOf('duo.ckpt')).toString('latin1').replace('\x03\0\0\0ema', '\x03\0\0\0eme'),
        'latin1',
      ),
    );
    const { path, notices } = await converted(source);
    expect(largestDifference(await logitsOf(path), oracle.dit)).toBeLessThan(1e-4);
    expect(notices.join()).toMatch(/no running average/);
  });

  it('that wants to run code is refused by the name of what it would run, and runs nothing', async () => {
    await expect(converted(fileOf('runs-code.ckpt'))).rejects.toMatchObject({
      code: 'unsafe-pickle',
      exitCode: 3,
      message: expect.stringMatching(/asks for "posix\.system"/),
    });
    expect(existsSync('ran-code')).toBe(false);
  });
});

const pickle = (...parts: (string | number[])[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  );

describe('a pickle', () => {
  it.each([
    ['nt\nsystem', /"nt\.system"/],
    ['builtins\neval', /"builtins\.eval"/],
    ['__builtin__\ngetattr', /"__builtin__\.getattr"/],
    ['collections\n__builtins__', /"collections\.__builtins__"/],
    ['torch\nload', /"torch\.load"/],
    ['torch.hub\nload', /"torch\.hub\.load"/],
    ['omegaconf.base\n__loader__', /"omegaconf\.base\.__loader__"/],
    ['numpy.core.multiarray\n_reconstruct', /"numpy\.core\.multiarray\._reconstruct"/],
  ])('that names %j is refused', (name, message) => {
    expect(() => readPickle(pickle('\x80\x02c', name, '\n.'), 'it')).toThrow(message);
  });

  it('that names it from the stack, as later protocols do, is refused too', () => {
    const bytes = pickle('\x80\x04\x8c\x02os\x8c\x06system\x93.');
    expect(() => readPickle(bytes, 'it')).toThrow(/"os\.system"/);
  });

  it.each([
    ['an instruction that makes objects by name', '(ios\nsystem\n.', /instruction 0x69 \(i\)/],
    ['a number of an extension', '\x82\x01.', /instruction 0x82/],
    ['a call of a type', 'cbuiltins\nint\n)R.', /calls builtins\.int/],
    ['a reference to outside', 'X\x01\0\0\0aQ.', /refers to something outside/],
  ])('with %s is refused', (_what, text, message) => {
    expect(() => readPickle(pickle(text), 'it')).toThrow(message);
  });

  it.each([
    ['an end too early', 'X\xff\0\0\0a'],
    ['an empty stack', '0.'],
    ['a value never put away', 'h\x07.'],
    ['no mark', 'Nt.'],
    ['a key without a value', '}(Nu.'],
    ['a number of a gigabyte', '\x8b\0\0\0\x40.'],
    ['text of 2^63 bytes', '\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.'],
  ])('with %s is broken', (_what, text) => {
    expect(() => readPickle(pickle(text), 'it')).toThrow(expect.objectContaining({ code: 'broken-pickle' }));
  });

  it('gives plain values, whatever the protocol', () => {
    // pickle.dumps({'a': [1, -2, 3.5, None, True, 'é', 2**40], 'b': (1, 2, 3, 4), 'c': b'x'}, p) of CPython 3.11
    const dumps: Record<number, string> = {
      0: 'KGRwMApWYQpwMQoobHAyCkkxCmFJLTIKYUYzLjUKYU5hSTAxCmFW6QpwMwphTDEwOTk1MTE2Mjc3NzZMCmFzVmIKcDQKKEkxCkkyCkkzCkk0CnRwNQpzVmMKcDYKY19jb2RlY3MKZW5jb2RlCnA3CihWeApwOApWbGF0aW4xCnA5CnRwMTAKUnAxMQpzLg==',
      2: 'gAJ9cQAoWAEAAABhcQFdcQIoSwFK/v///0dADAAAAAAAAE6IWAIAAADDqXEDigYAAAAAAAFlWAEAAABicQQoSwFLAksDSwR0cQVYAQAAAGNxBmNfY29kZWNzCmVuY29kZQpxB1gBAAAAeHEIWAYAAABsYXRpbjFxCYZxClJxC3Uu',
      4: 'gASVQwAAAAAAAAB9lCiMAWGUXZQoSwFK/v///0dADAAAAAAAAE6IjALDqZSKBgAAAAAAAWWMAWKUKEsBSwJLA0sEdJSMAWOUQwF4lHUu',
    };
    for (const text of Object.values(dumps)) {
      const value = readPickle(Buffer.from(text, 'base64'), 'it') as PickleDict;
      expect(value.get('a')).toEqual([1, -2, 3.5, null, true, 'é', 2 ** 40]);
      expect(value.get('b')).toEqual([1, 2, 3, 4]);
      expect(Buffer.from(value.get('c') as Buffer).toString()).toBe('x');
    }
  });
});

describe('an archive', () => {
  const whole = readFileSync(fileOf('duo.ckpt'));
  const damaged = (change: (bytes: Buffer) => unknown) => {
    const path = join(folder, 'damaged.ckpt');
    const bytes = Buffer.from(whole);
    const changed = change(bytes);
    writeFileSync(path, Buffer.isBuffer(changed) ? changed : bytes);
    return path;
  };
  const end = whole.length - 22;

  it.each<[string, (bytes: Buffer) => unknown, RegExp]>([
    ['cut off', (bytes) => bytes.subarray(0, -40), /no directory at its end/],
    [
      'whose directory lies elsewhere',
      (bytes) => bytes.writeUInt32LE(7, end + 16),
      /directory ends at the member 0/,
    ],
    ['whose directory is past the end', (bytes) => bytes.writeUInt32LE(2 ** 31, end + 16), /names the byte/],
    [
      'with a compressed member',
      (bytes) => bytes.writeUInt16LE(8, bytes.readUInt32LE(end + 16) + 10),
      /is compressed/,
    ],
  ])('%s is refused', (_what, change, message) => {
    const path = damaged(change);
    expect(() => readTorchArchive(path)).toThrow(message);
    expect(() => readTorchArchive(path)).toThrow(
      expect.objectContaining({ code: 'broken-archive', exitCode: 3 }),
    );
  });
});
