/**
 * Entry of the process. `--version` and `--help` are answered from two JSON files; commands run under oclif, which is
 * loaded only for them. Whatever is thrown ends here, as a sentence and an exit status.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GateError, UndecidedError } from '../errors.js';
import { readPackage, resolveCommandLine, wantsJson } from './command-line.js';
import { checkOpenFiles } from './open-files.js';
import { streamHasColor, streamWidth } from './terminal.js';

/** @param argv arguments after the script   @param entryUrl `import.meta.url` of bin/run.js, which locates the package */
export async function main(argv: string[], entryUrl: string): Promise<void> {
  ignoreClosedPipes();
  const root = dirname(dirname(fileURLToPath(entryUrl)));
  let command: string | null = null;
  const end = async (error: unknown) => exit(await report(error, argv, command));
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
  try {
    const facts = readPackage(root);
    const target = resolveCommandLine(argv, facts);
    if (target.kind === 'version') {
      process.stdout.write(
        `${facts.bin}/${facts.version} ${process.platform}-${process.arch} node-${process.version}\n`,
      );
    } else if (target.kind === 'root-help') {
      const { rootHelp } = await import('./root-help.js');
      const screen = { width: streamWidth(process.stdout), color: streamHasColor(process.stdout) };
      process.stdout.write(rootHelp(facts, screen));
    } else {
      command = target.name;
      checkOpenFiles(join(root, 'package.json'));
      const [{ run }, { settings }] = await Promise.all([
        import('@oclif/core/run'),
        import('@oclif/core/settings'),
      ]);
      settings.enableAutoTranspile = false;
      await run(target.argv, entryUrl);
    }
  } catch (error) {
    return end(error);
  }
  const code = process.exitCode;
  return exit(typeof code === 'number' ? code : 0);
}

/** Says what went wrong, on stderr and, where JSON is owed, on stdout. @returns the exit status */
async function report(error: unknown, argv: string[], command: string | null): Promise<number> {
  const { describeFailure, requestedExit } = await import('./failure.js');
  const requested = requestedExit(error);
  if (requested !== null) return requested;
  const { paint } = await import('./terminal.js');
  const failure = describeFailure(error, command);
  if (wantsJson(argv)) {
    const measured = error instanceof GateError || error instanceof UndecidedError ? error.record : {};
    process.stdout.write(`${JSON.stringify({ schemaVersion: 1, ...measured, error: failure })}\n`);
  }
  const label = paint('Error:', 'red', streamHasColor(process.stderr));
  process.stderr.write(`${label} ${failure.message}\n${failure.hint ? `  ${failure.hint}\n` : ''}`);
  if (process.env.DUO_EVAL_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return failure.exitCode;
}

/** Ends the process once both streams have taken all that was written; worker threads end with it. */
async function exit(code: number): Promise<void> {
  await Promise.all([drained(process.stdout), drained(process.stderr)]);
  process.exit(code);
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}

/** `duo-eval … | head` closes stdout early: not an error, and files asked for by --out are still written. */
function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
