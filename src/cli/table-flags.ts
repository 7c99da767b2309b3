/** Flags that say how a table is read for its texts, and from flags to options. */
import type { TableOptions } from '../datasets/file-texts.js';
import { boolean, string } from './flags.js';

export const tableFlags = {
  'text-column': string({
    summary: 'Column with the text, in tables; a.b for a field of a struct.',
    helpValue: '<name>',
  }),
  'skip-null': boolean({ summary: 'Pass over rows whose text is null, and say how many.' }),
};

export const tableOptions = (flags: { 'text-column'?: string; 'skip-null'?: boolean }): TableOptions => ({
  textColumn: flags['text-column'],
  skipNull: flags['skip-null'],
});
