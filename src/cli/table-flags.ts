/** Flags for reading the texts of a table, and their conversion to options. */
import type { TableOptions } from '../datasets/file-texts.js';
import { boolean, string } from './flags.js';

export const tableFlags = {
  'text-column': string({
    summary: 'Column of a table that holds the text; a.b for a field of a struct.',
    helpValue: '<name>',
  }),
  'skip-null': boolean({ summary: 'Skip rows whose text is null, and report how many.' }),
};

export const tableOptions = (flags: { 'text-column'?: string; 'skip-null'?: boolean }): TableOptions => ({
  textColumn: flags['text-column'],
  skipNull: flags['skip-null'],
});
