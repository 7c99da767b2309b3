/**
 * A package of its own in a temporary folder, with one command, `probe`, and the topic `data`: run as a real process
 * through the built main, so that flags, failures, signals and pipes are tested as users meet them, whatever commands
 * the project has.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/folder.js';
import { finished, type Ran, startDuoEval } from '../support/run.js';

const dist = new URL('../../dist/', import.meta.url);

export interface ProbePackage {
  start(args: string[], env?: Record<string, string>): ChildProcess;
  run(args: string[], env?: Record<string, string>): Promise<Ran>;
}

const COMMAND = `
import { BaseCommand } from '${new URL('cli/base-command.js', dist)}';
import { boolean, choice, integer, number, repeatable, string } from '${new URL('cli/flags.js', dist)}';
import { ModelError } from '${new URL('errors.js', dist)}';
export default class Probe extends BaseCommand {
  static summary = 'Show what it was given';
  static flags = {
    batch: integer({ min: 1, max: 64, default: 4 }),
    until: number({ above: 0 }),
    dataset: repeatable({}),
    protocol: choice(['duo', 'strict'])({ default: 'duo' }),
    'log-sequences': string({}),
    fail: string({}),
    wait: boolean({}),
    deaf: boolean({}),
    large: boolean({}),
  };
  async run() {
    const { fail, wait, deaf, large } = this.flags;
    this.note('a note');
    this.warnUser('careful\\x1b]0;title\\x07');
    this.warnUser('careful\\x1b]0;title\\x07'); // twice, and printed once
    if (fail === 'model') throw new ModelError({ code: 'no-such-model', message: 'x.onnx\\x1b[2J is not there.', hint: 'Look elsewhere.' });
    if (fail === 'ours') throw new TypeError('this should not be');
    if (fail === 'system') (await import('node:fs')).readFileSync('/no/such/file');
    if (fail === 'later') await new Promise(() => setTimeout(() => { throw new RangeError('from a timer'); }, 1));
    if (wait) await new Promise((resolve, reject) => {
      const alive = setInterval(() => {}, 1000);
      this.interrupt.addEventListener('abort', () => { clearInterval(alive); reject(this.interrupt.reason); });
      this.print('waiting');
    });
    if (deaf) { setInterval(() => {}, 1000); this.print('deaf'); await new Promise(() => {}); }
    if (large) { this.print('x'.repeat(4_000_000)); return; }
    this.printJson({ ...this.flags });
  }
}`;

const SIMPLE = `
import { BaseCommand } from '${new URL('cli/base-command.js', dist)}';
export default class Simple extends BaseCommand { async run() { this.print('simple'); } }`;

export function makeProbePackage(): ProbePackage {
  if (!existsSync(fileURLToPath(new URL('cli/main.js', dist))))
    throw new Error('dist/ is missing: npm run build');
  const { root, file: write } = temporaryFolder();
  const entry = (id: string, summary: string) => ({
    id,
    summary,
    aliases: [],
    args: {},
    flags: {},
    hiddenAliases: [],
    pluginName: 'probe-package',
    pluginType: 'core',
    strict: true,
    isESM: true,
    relativePath: ['commands', `${id.replace(':', '/')}.js`],
  });
  write(
    'package.json',
    JSON.stringify({
      name: 'probe-package',
      version: '1.2.3',
      description: 'A package for tests.',
      type: 'module',
      oclif: {
        bin: 'duo-eval',
        commands: './commands',
        topicSeparator: ' ',
        additionalHelpFlags: ['-h'],
        topics: { data: { description: 'Data.' } },
      },
    }),
  );
  const commands = {
    probe: entry('probe', 'Show what it was given'),
    'data:list': entry('data:list', 'List data'),
  };
  write('oclif.manifest.json', JSON.stringify({ commands, version: '1.2.3' }));
  write('commands/probe.js', COMMAND);
  write('commands/data/list.js', SIMPLE);
  write(
    'bin/run.js',
    `import { main } from '${new URL('cli/main.js', dist)}'; await main(process.argv.slice(2), import.meta.url);`,
  );

  const start = (args: string[], env: Record<string, string> = {}) =>
    startDuoEval(args, { folder: root, env, program: join(root, 'bin', 'run.js') });
  return {
    start,
    run: (args, env) => finished(start(args, env)),
  };
}
