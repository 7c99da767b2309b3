/** Commands of duo-eval as a POSIX shell reads them. */

/** Flags without a value, null or '', are left out. */
export function shellCommand(
  name: string,
  flags: readonly (readonly [string, string | number | null])[],
): string {
  const given = flags.filter(([, value]) => value !== null && value !== '');
  return ['duo-eval', name, ...given.map(([flag, value]) => `--${flag} ${shellWord(String(value))}`)].join(
    ' ',
  );
}

/** One word, whatever is in it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`;
}
