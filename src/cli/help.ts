/**
 * The help of a command, by oclif with changes of layout: the usage line names required flags only, global flags come last,
 * defaults stand behind summaries, and the summary is printed once.
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

  /** Defaults stand behind the summary, where those that depend on a card or a tokenizer stand too. */
  protected override flags(flags: Parameters<OclifCommandHelp['flags']>[0]) {
    return super.flags(
      flags.map((flag) =>
        flag.type === 'option' && flag.default !== undefined
          ? { ...flag, default: undefined, summary: `${flag.summary} [default: ${flag.default}]` }
          : flag,
      ),
    );
  }

  /** Without the summary, which stands at the head. */
  protected override description(): string | undefined {
    return this.command.description && this.wrap(this.command.description);
  }
}

/** Found by oclif as `oclif.helpClass` of package.json. */
export default class Help extends OclifHelp {
  protected override CommandHelpClass = CommandHelp;
}
