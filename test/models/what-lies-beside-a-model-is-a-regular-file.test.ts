import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { readCard } from '../../src/models/card.js';
import { findSource } from '../../src/models/importers/source.js';
import { temporaryFolder } from '../support/folder.js';
import { fixture } from '../support/run.js';

const folder = temporaryFolder();

/** Puts something in the place of a file. */
const inPlaceOf: Record<string, [how: (path: string) => void, why: RegExp]> = {
  'a named pipe': [(path) => execFileSync('mkfifo', [path]), /a named pipe, not a regular file/],
  'a link to /dev/zero': [(path) => symlinkSync('/dev/zero', path), /a device, not a regular file/],
  'a gigabyte': [
    (path) => {
      writeFileSync(path, '{');
      truncateSync(path, 2 ** 30);
    },
    /it has 1073741824 bytes, and may have/,
  ],
};

describe.each(Object.entries(inPlaceOf))('%s', (_name, [put, why]) => {
  const card = folder.path('model.card.json');
  const config = folder.path('config.json');
  const weights = folder.path('model.safetensors');
  beforeEach(() => {
    for (const path of [card, config, weights]) rmSync(path, { force: true });
  });

  it('as a card is refused by name', () => {
    put(card);
    expect(() => readCard(folder.path('model.onnx'))).toThrow(
      expect.objectContaining({ code: 'malformed-card', exitCode: 3, message: expect.stringMatching(why) }),
    );
  });

  it('as the configuration of weights is refused by name', () => {
    put(config);
    copyFileSync(fixture('../test/models/importers/files/gpt2.safetensors'), weights);
    expect(() => findSource(weights)).toThrow(
      expect.objectContaining({ code: 'bad-config', exitCode: 3, message: expect.stringMatching(why) }),
    );
  });
});

it.each(['a named pipe', 'a link to /dev/zero'])('%s as weights is refused by name', (name) => {
  const [put, why] = inPlaceOf[name];
  const path = folder.path(`${name.replace(/\W/g, '-')}.safetensors`);
  put(path);
  expect(() => findSource(path)).toThrow(
    expect.objectContaining({ code: 'not-a-file', exitCode: 6, message: expect.stringMatching(why) }),
  );
});

it('a pointer of Git LFS in place of weights is named', () => {
  const path = folder.file(
    'pointer.safetensors',
    'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
  );
  expect(() => findSource(path)).toThrow(expect.objectContaining({ code: 'git-lfs-pointer', exitCode: 3 }));
});
