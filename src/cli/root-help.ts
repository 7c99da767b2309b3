/**
 * `duo-eval --help`, made from the manifest without loading oclif, so that it is immediate. The help of a single
 * command is in help.ts.
 */
import type { CommandEntry, PackageFacts } from './command-line.js';
import { paint, wrap } from './terminal.js';

/** Commands grouped by purpose, in the order in which a newcomer needs them. */
export const COMMAND_GROUPS: Readonly<Record<string, readonly string[]>> = {
  EVALUATE: [
    'ppl',
    'likelihood',
    'tasks',
    'gen',
    'bench',
    'frontier',
    'run',
    'merge',
    'submit',
    'submit:status',
    'submit:wait',
    'submit:cancel',
    'worker',
  ],
  SAMPLE: ['sample', 'samplers'],
  SERVE: ['serve'],
  'COMPARE AND GATE': ['compare', 'gate', 'report', 'init-ci'],
  HISTORY: ['history:add', 'history:show', 'history:plot', 'history:export'],
  MODELS: ['convert', 'inspect', 'models', 'train', 'train:tokenizer', 'distill'],
  DATA: ['datasets:list', 'datasets:add', 'datasets:fetch', 'datasets:verify', 'datasets:pack'],
  UPKEEP: ['calibrate', 'doctor', 'completion', 'cache:ls', 'cache:clear'],
};

const EXIT_STATUSES =
  '0 ok, 1 a fault of duo-eval, 2 usage, 3 model, 4 data or tokenizer, 5 numerical, 6 files and disk, 7 a gate failed, ' +
  '8 a gate is undecided, 75 unfinished, run it again, 76 in use by another process, 77 no progress, 130 interrupted';

/** Longer lines are hard to read. */
export const WIDEST_HELP = 100;

/** @param width columns available; the help uses at most WIDEST_HELP */
export function rootHelp(facts: PackageFacts, { width, color }: { width: number; color: boolean }): string {
  const columns = Math.min(width, WIDEST_HELP);
  const { bin, description } = facts;
  const commands = facts.commands.filter(({ hidden }) => !hidden);
  const nameWidth = Math.max(0, ...commands.map(({ id }) => id.length));
  const row = ({ id, summary }: CommandEntry): string[] =>
    wrap(summary ?? '', columns - nameWidth - 4).map((line, i) => {
      const name = i === 0 ? id.replaceAll(':', ' ') : '';
      return `  ${paint(name, 'cyan', color)}${' '.repeat(nameWidth - name.length)}  ${line}`.trimEnd();
    });
  const heading = (text: string) => paint(text, 'bold', color);
  const indented = (text: string) => wrap(text, columns - 2).map((line) => `  ${line}`);
  return [
    ...wrap(description, columns),
    '',
    heading('USAGE'),
    `  $ ${bin} COMMAND [FLAGS]`,
    '',
    ...commandsByGroup(commands).flatMap(([group, members]) => [heading(group), ...members.flatMap(row), '']),
    heading('MORE'),
    ...indented(`${bin} COMMAND --help explains a command; ${bin} --version prints the version.`),
    ...indented(
      'Each flag takes its default from an environment variable: DUO_EVAL_BATCH is the default of --batch. Commas ' +
        'separate the values of a flag that can be repeated.',
    ),
    ...indented(`Exit status: ${EXIT_STATUSES}.`),
    '',
  ].join('\n');
}

/** Groups that have commands; commands without a group come last, sorted by name. */
function commandsByGroup(commands: readonly CommandEntry[]): [string, CommandEntry[]][] {
  const named = Object.entries(COMMAND_GROUPS).map(([group, ids]): [string, CommandEntry[]] => [
    group,
    ids.flatMap((id) => commands.filter((command) => command.id === id)),
  ]);
  const listed = named.flatMap(([, members]) => members);
  const others = commands.filter((command) => !listed.includes(command));
  others.sort((a, b) => (a.id < b.id ? -1 : 1));
  return [...named, ['COMMANDS', others] as [string, CommandEntry[]]].filter(
    ([, members]) => members.length > 0,
  );
}
