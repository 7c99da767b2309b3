import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fileOutput } from '../../src/printing/line-output.js';
import { checkWritable, replaceFile } from '../../src/printing/output.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
const at = folder.path;

describe('lines', () => {
  it('are a file when all are there, and nothing before', async () => {
    writeFileSync(at('out'), 'before');
    const output = await fileOutput(at('out'));
    await output.write('one\n');
    expect(readFileSync(at('out'), 'utf8')).toBe('before');
    await output.write('two\n');
    await output.commit();
    expect(readFileSync(at('out'), 'utf8')).toBe('one\ntwo\n');
  });

  it('that are given up leave what was there, and nothing else', async () => {
    writeFileSync(at('out'), 'before');
    const output = await fileOutput(at('out'));
    await output.write('one\n');
    await output.discard();
    await output.discard();
    expect(readFileSync(at('out'), 'utf8')).toBe('before');
    expect(readdirSync(at()).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('go through a link, which stays one', async () => {
    writeFileSync(at('file'), 'before');
    symlinkSync(at('file'), at('link'));
    const output = await fileOutput(at('link'));
    await output.write('after\n');
    await output.commit();
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('file'), 'utf8')).toBe('after\n');
  });
});

describe.skipIf(process.platform !== 'linux')('a link to a pipe, as /dev/stdout is one', () => {
  // The pipe has no path of its own: what a link to it resolves to does not exist.
  const throughPipe = (what: string) => {
    rmSync(at('link'), { force: true });
    symlinkSync('/proc/self/fd/1', at('link'));
    const modules = { lines: 'line-output', whole: 'output' };
    const script = `
      const { fileOutput } = await import(${JSON.stringify(dist(modules.lines))});
      const { replaceFile, checkWritable } = await import(${JSON.stringify(dist(modules.whole))});
      const path = ${JSON.stringify(at('link'))};
      checkWritable([path]);
      ${what}`;
    return execFileSync('sh', ['-c', '"$0" --input-type=module -e "$1" | cat', process.execPath, script], {
      encoding: 'utf8',
    });
  };
  const dist = (name: string) => new URL(`../../dist/printing/${name}.js`, import.meta.url).href;

  it('gets lines, and stays', () => {
    const printed = throughPipe(
      "const output = await fileOutput(path); await output.write('one\\n'); await output.commit();",
    );
    expect(printed).toBe('one\n');
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
  });

  it('gets whole results, and stays', () => {
    expect(throughPipe("await replaceFile(path, 'whole\\n');")).toBe('whole\n');
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
  });

  it('gets results where a shell gives a command in place of a file', () => {
    const script = `
      const { fileOutput } = await import(${JSON.stringify(dist('line-output'))});
      const output = await fileOutput(process.argv[1]); await output.write('one\\n'); await output.commit();`;
    const line = '"$0" --input-type=module -e "$1" >(cat >"$2") && sleep 0.2; cat "$2"';
    const args = ['-c', line, process.execPath, script, at('substituted')];
    expect(execFileSync('bash', args, { encoding: 'utf8' })).toBe('one\n');
  });

  it('is told from a folder, which is refused', async () => {
    await expect(replaceFile(at(), '')).rejects.toMatchObject({ code: 'output-is-folder' });
  });

  it('is told from a named pipe and a socket, which would be waited for without end', async () => {
    execFileSync('mkfifo', [at('fifo')]);
    const server = createServer().listen(at('socket'));
    await once(server, 'listening');
    for (const [name, what] of [
      ['fifo', 'a named pipe'],
      ['socket', 'a socket'],
    ]) {
      expect(() => checkWritable([at(name)])).toThrow(`is ${what}, not a regular file`);
      await expect(fileOutput(at(name))).rejects.toThrow(`is ${what}, not a regular file`);
      await expect(replaceFile(at(name), 'x')).rejects.toMatchObject({ exitCode: 6 });
    }
    server.close();
  });
});
