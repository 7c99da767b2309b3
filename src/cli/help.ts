/**
 * oclif's help of a command with another layout: the usage line names only required flags, global flags come last, defaults
 * follow the summaries, and the summary is printed once.
 */
import { CommandHelp as OclifCommandHelp, Help as OclifHelp } from '@oclif/core/help';

class CommandHelp extends OclifCommandHelp {
  protected override defaultUsage(): string {
    const { args, flags } = this.command;
    const required = Object.values(flags).filter((flag) => flag.required && flag.type === 'option');
    return [
      '<%= command.id %>',
      ...Object.values(args).map(({ name, required, multiple }) => {
        const shown = name.toUpperCase() + (multiple ? '...' : '');
        return required ? shown : `[${shown}]`;
      }),
      ...required.map(({ name, ...flag }) => `--${name} ${'helpValue' in flag ? flag.helpValue : '<value>'}`),
      '[FLAGS]',
    ].join(' ');
  }

  protected override groupFlags(flags: Parameters<OclifCommandHelp['groupFlags']>[0]) {
    const { mainFlags, flagGroups } = super.groupFlags(flags);
    const { GLOBAL = [], ...groups } = flagGroups;
    return { mainFlags, flagGroups: { ...groups, GLOBAL } };
  }

  /** Defaults follow the summary, as those that depend on a card or a tokenizer do. */
  protected override flags(flags: Parameters<OclifCommandHelp['flags']>[0]) {
    return super.flags(
      flags.map((flag) =>
        flag.type === 'option' && flag.default !== undefined
          ? { ...flag, default: undefined, summary: `${flag.summary} [default: ${flag.default}]` }
          : flag,
      ),
    );
  }

  /** Without the summary, which is at the top. */
  protected override description(): string | undefined {
    return this.command.description && this.wrap(this.command.description);
  }
}

/** oclif finds it through `oclif.helpClass` in package.json. */
export default class Help extends OclifHelp {
  protected override CommandHelpClass = CommandHelp;
}
