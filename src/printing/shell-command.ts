/** Commands of duo-eval as a POSIX shell reads them. */

/** Flags without a value, null, false or '', are left out; one that is true is only named. */
export function shellCommand(
  name: string,
  flags: readonly (readonly [string, string | number | boolean | null])[],
): string {
  const given = flags.filter(([, value]) => value !== null && value !== false && value !== '');
  const words = given.map(
    ([flag, value]) => `--${flag}${value === true ? '' : ` ${shellWord(String(value))}`}`,
  );
  return ['duo-eval', name, ...words].join(' ');
}

/** One word, whatever is in it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`;
}
