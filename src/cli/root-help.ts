/**
 * `duo-eval --help`, made from the manifest without loading oclif, so that it comes at once. The help of single
 * commands is oclif's.
 */
import type { PackageFacts } from './command-line.js';
import { paint, wrap } from './terminal.js';

const EXIT_CODES =
  '0 ok, 1 a fault of ours, 2 usage, 3 model, 4 data or tokenizer, 5 numerical, 6 files and disk, 7 a gate failed, ' +
  '8 undecided, 130 interrupted';

/** @param width columns to fill; lines longer than 100 are hard to read and are not made */
export function rootHelp(facts: PackageFacts, { width, color }: { width: number; color: boolean }): string {
  const columns = Math.min(width, 100);
  const { bin, commands, description } = facts;
  const rows = commands
    .filter((command) => !command.hidden)
    .map((command) => ({
      name: command.id.replaceAll(':', ' '),
      summary: (command.summary ?? command.description ?? '')
        .split('\n')[0]
        .replaceAll('<%= config.bin %>', bin),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const nameWidth = Math.max(0, ...rows.map((row) => row.name.length));
  const listed = rows.flatMap((row) => {
    const lines = wrap(row.summary, columns - nameWidth - 4);
    return lines.map((line, i) => {
      const name =
        i === 0
          ? paint(row.name, 'cyan', color) + ' '.repeat(nameWidth - row.name.length)
          : ' '.repeat(nameWidth);
      return `  ${name}  ${line}`.trimEnd();
    });
  });
  const indented = (text: string) => wrap(text, columns - 2).map((line) => `  ${line}`);
  const heading = (text: string) => paint(text, 'bold', color);
  return [
    ...wrap(description, columns),
    '',
    heading('USAGE'),
    `  $ ${bin} COMMAND [FLAGS]`,
    '',
    heading('COMMANDS'),
    ...listed,
    '',
    heading('MORE'),
    ...indented(`${bin} COMMAND --help explains a command, ${bin} --version says which release this is.`),
    ...indented(
      'Every flag takes its default from an environment variable: DUO_EVAL_BATCH is that of --batch; commas ' +
        'separate the values of a flag that may be repeated.',
    ),
    ...indented(`Exit status: ${EXIT_CODES}.`),
    '',
  ].join('\n');
}
