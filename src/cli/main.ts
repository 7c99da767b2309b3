/**
 * Entry of the process. `--version` and `--help` need only two JSON files; commands run under oclif, which is loaded
 * only for them. Every error ends here, as a sentence and an exit status.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GateError, UndecidedError } from '../errors.js';
import { readPackage, resolveCommandLine, wantsJson } from './command-line.js';
import { checkAddressSpace, checkOpenFiles } from './process-limits.js';
import { rootHelp, WIDEST_HELP } from './root-help.js';
import { watchSignals } from './signals.js';
import { checkStandardOutput, guardStandardStreams, standardOutputFailure } from './standard-output.js';
import { streamHasColor, streamWidth } from './terminal.js';

/** @param argv arguments after the script   @param entryUrl `import.meta.url` of bin/run.js, which locates the package */
export async function main(argv: string[], entryUrl: string): Promise<void> {
  guardStandardStreams();
  const root = dirname(dirname(fileURLToPath(entryUrl)));
  let command: string | null = null;
  const end = async (error: unknown) => exit(await report(error, argv, command));
  watchSignals(end);
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
      const screen = { width: streamWidth(process.stdout), color: streamHasColor(process.stdout) };
      process.stdout.write(rootHelp(facts, screen));
    } else {
      command = target.name;
      checkAddressSpace();
      checkOpenFiles(join(root, 'package.json'));
      const { settings } = await import('@oclif/core/settings');
      settings.enableAutoTranspile = false;
      // oclif reads it on loading; by itself it ignores COLUMNS and has no limit.
      settings.columns = Math.min(streamWidth(process.stdout), WIDEST_HELP);
      // It asks the system for the shell of its user, and ends where the user has no entry, as in a container.
      process.env.SHELL ??= 'unknown';
      const { run } = await import('@oclif/core/run');
      await run(target.argv, entryUrl);
    }
    await drain(process.stdout);
    checkStandardOutput();
  } catch (error) {
    return end(error);
  }
  const code = process.exitCode;
  return exit(typeof code === 'number' ? code : 0);
}

/** Prints what went wrong on stderr and, under --json, on stdout. @returns the exit status */
async function report(error: unknown, argv: string[], command: string | null): Promise<number> {
  const { describeFailure, requestedExit } = await import('./failure.js');
  const requested = requestedExit(error);
  if (requested === 0) await drain(process.stdout);
  const lost = requested === 0 ? standardOutputFailure() : null;
  if (requested !== null && lost === null) return requested;
  const { inertLines, paint, plainLines, sentenceLines } = await import('./terminal.js');
  const failure = describeFailure(lost ?? error, command);
  if (wantsJson(argv) && !standardOutputFailure()) {
    const measured = error instanceof GateError || error instanceof UndecidedError ? error.record : {};
    const { escapedJson } = await import('../printing/json.js');
    process.stdout.write(
      `${escapedJson(JSON.stringify({ schemaVersion: 1, ...measured, error: failure }))}\n`,
    );
  }
  const label = paint('Error:', 'red', streamHasColor(process.stderr));
  const print = (text: string) => process.stderr.write(`${text}\n`);
  print(sentenceLines(`${label} ${failure.message}`, process.stderr));
  if (failure.hint) print(sentenceLines(failure.hint, process.stderr, '  '));
  if (process.env.DUO_EVAL_DEBUG && error instanceof Error) print(inertLines(plainLines(error.stack ?? '')));
  return failure.exitCode;
}

/** Ends the process, with its worker threads, once both streams have taken everything that was written. */
async function exit(code: number): Promise<void> {
  await Promise.all([drain(process.stdout), drain(process.stderr)]);
  process.exit(code);
}

function drain(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}
