import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors, readShardedSafetensors } from '../../../src/models/importers/safetensors.js';
import { elementsOf } from '../../../src/models/importers/stored-tensor.js';
import { folder } from './published.js';

let made = 0;
function file(header: string | object, data = Buffer.alloc(0), declared?: bigint): string {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(declared ?? BigInt(text.length));
  const path = join(folder, `${made++}.safetensors`);
  writeFileSync(path, Buffer.concat([size, text, data]));
  return path;
}
const four = Buffer.alloc(16);
const f32 = (from: number, to: number, shape = [(to - from) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [from, to],
});
const refused = (path: string, sentence: RegExp) => {
  const error = (() => {
    try {
      readSafetensors(path);
    } catch (cause) {
      return cause as { code: string; message: string };
    }
    throw new Error('it was read');
  })();
  expect(error).toMatchObject({ code: 'broken-safetensors', exitCode: 3 });
  expect(error.message).toMatch(sentence);
};

describe('a safetensors file', () => {
  it('gives the elements of each tensor', () => {
    const data = Buffer.from(Float32Array.of(1, -2, 0.5, 3).buffer);
    const tensors = readSafetensors(
      file({ a: f32(0, 8), b: f32(8, 16), __metadata__: { format: 'pt' } }, data),
    );
    expect([...tensors.keys()]).toEqual(['a', 'b']);
    expect([...elementsOf(tensors.get('b')!)].map((piece) => [...piece])).toEqual([[0.5, 3]]);
  });

  it.each<[string, () => string, RegExp]>([
    [
      'a header that is longer than the file',
      () => file('{}', four, 10n ** 6n),
      /declares a header of 1000000 bytes/,
    ],
    ['a header of 2^63 bytes', () => file('{}', four, 2n ** 63n), /declares a header of/],
    ['a header that is no JSON', () => file('{"a":', four), /not usable JSON/],
    ['a header that is a list', () => file('[]', four), /no JSON object/],
    ['a tensor past the end', () => file({ a: f32(0, 32) }, four), /"a" ends at byte 32 of 16/],
    ['tensors that overlap', () => file({ a: f32(0, 12), b: f32(8, 16) }, four), /"a" and "b" overlap/],
    ['a gap', () => file({ a: f32(0, 4), b: f32(8, 16) }, four), /4 bytes before the tensor "b"/],
    ['bytes left over', () => file({ a: f32(0, 12) }, four), /last 4 bytes/],
    [
      'a shape that takes other bytes',
      () => file({ a: f32(0, 16, [5]) }, four),
      /takes 20 bytes by its shape \[5\]/,
    ],
    [
      'a shape of huge sides',
      () => file({ a: f32(0, 16, [2 ** 40, 2 ** 40]) }, four),
      /takes .* by its shape/,
    ],
    ['a negative side', () => file({ a: f32(0, 16, [-4]) }, four), /a shape that is none/],
    ['offsets in the wrong order', () => file({ a: f32(16, 0, [4]) }, four), /offsets that are none/],
    ['an unknown type', () => file({ a: { ...f32(0, 16), dtype: 'F3' } }, four), /unknown type, "F3"/],
    [
      'a type that is a property of objects',
      () => file({ a: { ...f32(0, 16), dtype: 'toString' } }, four),
      /unknown type/,
    ],
    [
      'a name given twice',
      () =>
        file(
          '{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}',
          four,
        ),
      /names "a" twice/,
    ],
  ])('with %s is refused', (_what, make, sentence) => refused(make(), sentence));

  it('of elements that are no weights is refused where they are read, by name', () => {
    const tensors = readSafetensors(file({ ids: { dtype: 'I32', shape: [4], data_offsets: [0, 16] } }, four));
    expect(() => [...elementsOf(tensors.get('ids')!)]).toThrow(/"ids" has elements of type int32/);
  });
});

describe('an index of several files', () => {
  const index = (map: object) => {
    const path = join(folder, `${made++}.safetensors.index.json`);
    writeFileSync(path, JSON.stringify({ weight_map: map }));
    return path;
  };
  const whole = () => file({ a: f32(0, 8), b: f32(8, 16) }, four);

  it.each<[string, (shard: string) => object, RegExp, string]>([
    ['a file elsewhere', () => ({ a: '../x.safetensors' }), /names no file beside it/, 'broken-safetensors'],
    ['a file that is missing', () => ({ a: 'none.safetensors' }), /There is no file/, 'weights-not-found'],
    [
      'a tensor that its file lacks',
      (shard) => ({ a: shard, b: shard, c: shard }),
      /"c" is not in/,
      'broken-safetensors',
    ],
    [
      'fewer tensors than its file',
      (shard) => ({ a: shard }),
      /"b" of .* is not in it/,
      'broken-safetensors',
    ],
  ])('with %s is refused', async (_what, map, message, code) => {
    const shard = whole().split('/').at(-1)!;
    await expect(readShardedSafetensors(index(map(shard)))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});
