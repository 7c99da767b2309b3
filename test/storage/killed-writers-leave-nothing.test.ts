import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isBeingWritten, temporaryPath } from '../../src/storage/temporary-files.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
const dist = new URL('../../dist/storage/', import.meta.url).href;

/** A process that writes half a file in a folder, and waits. */
async function writer(place: string) {
  const script = `
    const { AtomicFile } = await import('${dist}atomic-file.js');
    const file = await AtomicFile.create(process.argv[1] + '/result.json');
    await file.write(Buffer.from('half'));
    process.stdout.write('ready');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, place], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

const ended = async (child: Awaited<ReturnType<typeof writer>>, signal: NodeJS.Signals) => {
  child.kill(signal);
  await once(child, 'exit');
  return child.signalCode;
};

describe('a writer', () => {
  it('that is told to end removes what it began, and ends by that signal', async () => {
    const place = folder.path('told');
    mkdirSync(place);
    const child = await writer(place);
    expect(readdirSync(place)).toHaveLength(1);
    expect(await ended(child, 'SIGTERM')).toBe('SIGTERM');
    expect(readdirSync(place)).toEqual([]);
  });

  it('that is killed leaves a file, which the next writer there removes, but not that of a living one', async () => {
    const place = folder.path('killed');
    mkdirSync(place);
    const killed = await writer(place);
    const [left] = readdirSync(place);
    await ended(killed, 'SIGKILL');
    expect(readdirSync(place)).toEqual([left]);
    writeFileSync(join(place, '.duo-eval-notes.tmp'), 'not one of these');
    const alive = await writer(place);
    expect(readdirSync(place)).not.toContain(left);
    expect(readdirSync(place)).toHaveLength(2);
    const next = await writer(place);
    expect(readdirSync(place)).toHaveLength(3);
    for (const child of [alive, next]) await ended(child, 'SIGTERM');
    expect(readdirSync(place)).toEqual(['.duo-eval-notes.tmp']);
  });
});

describe('a file of another machine', () => {
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  const own = basename(temporaryPath(folder.path()));
  const theirs = own.replace(/-[0-9a-f]{8}-/, '-00000000-').replace(`-${process.pid}-`, `-${gone}-`);

  it('is left alone, whatever its number says here, until a week has passed', () => {
    const week = 7 * 24 * 3600 * 1000;
    expect(isBeingWritten(own, Date.now())).toBe(true);
    expect(isBeingWritten(own.replace(`-${process.pid}-`, `-${gone}-`), Date.now())).toBe(false);
    expect(isBeingWritten(theirs, Date.now())).toBe(true);
    expect(isBeingWritten(theirs, Date.now() - week - 1000)).toBe(false);
    expect(isBeingWritten('result.json', 0)).toBeNull();
  });

  it('is removed then', () => {
    const place = folder.path('old');
    mkdirSync(place);
    writeFileSync(join(place, theirs), 'half');
    utimesSync(join(place, theirs), 1e9, 1e9);
    temporaryPath(place);
    expect(readdirSync(place)).toEqual([]);
  });
});
