/**
 * Scripts that complete command lines in bash, zsh and fish, made from the manifest: commands, flags, and the values of flags that
 * take a few words. Elsewhere the shell completes file names. Zsh runs the script of bash.
 */
import { shellWord } from '../printing/shell-command.js';
import type { CommandEntry } from './command-line.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The fields of a flag in the manifest that are used here. */
interface FlagEntry {
  name: string;
  char?: string;
  type: 'boolean' | 'option';
  summary?: string;
  helpValue?: string;
  allowNo?: boolean;
}

export interface Completed {
  bin: string;
  commands: readonly CommandEntry[];
  /** Words that are completed as values of the flags of a name, beside those that the flag itself lists. */
  words: Readonly<Record<string, readonly string[]>>;
}

export function completionScript(shell: Shell, completed: Completed): string {
  if (shell === 'fish') return fishScript(completed);
  const script = bashScript(completed);
  return shell === 'bash'
    ? script
    : `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${script}`;
}

const wordsOf = ({ id }: CommandEntry): string => id.replaceAll(':', ' ');
const flagsOf = ({ flags = {} }: CommandEntry): FlagEntry[] => Object.values(flags);

/** The words that a flag takes; empty: any text. */
function valuesOf({ name, helpValue = '' }: FlagEntry, { words }: Completed): readonly string[] {
  if (/^[\w.-]+(\|[\w.-]+)+$/.test(helpValue)) return helpValue.split('|');
  return Object.hasOwn(words, name) ? words[name] : [];
}

/** The flags of a command as they are typed. */
const spellings = (command: CommandEntry): string[] =>
  flagsOf(command).flatMap(({ name, char, allowNo }) => [
    `--${name}`,
    ...(char ? [`-${char}`] : []),
    ...(allowNo ? [`--no-${name}`] : []),
  ]);

/**
 * The command is that of the first two words which are no flags. After a flag that takes words they are offered; after one that takes
 * another text nothing is, and the shell offers files; elsewhere the commands or the flags.
 */
function bashScript(completed: Completed): string {
  const { bin, commands } = completed;
  const own = `_${bin.replaceAll('-', '_')}`;
  const first = [...new Set(commands.map((command) => wordsOf(command).split(' ')[0]))];
  const topics = first.filter((word) => commands.some(({ id }) => id.startsWith(`${word}:`)));
  const second = topics.map((topic) => {
    const below = commands.filter(({ id }) => id.startsWith(`${topic}:`)).map(({ id }) => id.split(':')[1]);
    const flags = commands.filter(({ id }) => id === topic).flatMap(spellings);
    return `    ${shellWord(topic)}) words=${shellWord([...below, ...flags].join(' '))} ;;`;
  });
  const flags = commands
    .filter(({ id }) => !topics.includes(id))
    .map(
      (command) => `    ${shellWord(wordsOf(command))}) words=${shellWord(spellings(command).join(' '))} ;;`,
    );
  const values = commands.flatMap((command) =>
    flagsOf(command).flatMap((flag) => {
      const taken = valuesOf(flag, completed);
      const typed = [`--${flag.name}`, ...(flag.char ? [`-${flag.char}`] : [])];
      if (taken.length === 0) return [];
      return typed.map(
        (one) => `    ${shellWord(`${wordsOf(command)} ${one}`)}) words=${shellWord(taken.join(' '))} ;;`,
      );
    }),
  );
  const switches = commands.flatMap(flagsOf).filter(({ type }) => type === 'boolean');
  const spelled = [...new Set(switches.flatMap(({ name }) => [`--${name}`, `--no-${name}`]))];
  return `# Completion of ${bin}. For this shell: source <(${bin} completion bash); for all: put that line in ~/.bashrc (zsh: ~/.zshrc).
${own}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= words= open= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == -* ]] && break
    command="\${command:+$command }\${COMP_WORDS[i]}"
    ((i == 2)) && break
  done
  [[ $prev == = ]] && prev=\${COMP_WORDS[COMP_CWORD-2]}
  [[ $cur == = ]] && { prev=\${COMP_WORDS[COMP_CWORD-1]}; cur=; }
  case "$command $prev" in
${values.join('\n')}
    ${spelled.map((one) => `*' ${one}'`).join('|')}) open=1 ;;
    *' -'*) ;;
    *) open=1 ;;
  esac
  [[ $open ]] && case "$command" in
    '') words=${shellWord([...first, '--help', '--version'].join(' '))} ;;
${[...second, ...flags].join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F ${own} ${bin}
`;
}

function fishScript(completed: Completed): string {
  const { bin, commands } = completed;
  const lines = commands.flatMap((command) => {
    const words = wordsOf(command).split(' ');
    const before = words.slice(0, -1).map((word) => `__fish_seen_subcommand_from ${word}`);
    const last = words[words.length - 1];
    const offered = [...(before.length > 0 ? before : ['__fish_use_subcommand'])];
    const given = words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    return [
      `complete -c ${bin} -f -n ${shellWord(offered.join('; and '))} -a ${shellWord(last)} -d ${described(command)}`,
      ...flagsOf(command).map((flag) => {
        const taken = valuesOf(flag, completed);
        return [
          `complete -c ${bin} -n ${shellWord(given)} -l ${flag.name}`,
          flag.char ? ` -s ${flag.char}` : '',
          flag.type === 'option' ? ' -r' : '',
          taken.length > 0 ? ` -f -a ${shellWord(taken.join(' '))}` : '',
          ` -d ${described(flag)}`,
        ].join('');
      }),
    ];
  });
  return `# Completion of ${bin}: ${bin} completion fish > ~/.config/fish/completions/${bin}.fish\n${lines.join('\n')}\n`;
}

/** In single quotes fish reads a backslash as bash and zsh do not: a summary needs none. */
const described = ({ summary = '' }: { summary?: string }): string => shellWord(summary.replaceAll('\\', ''));
