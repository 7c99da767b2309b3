import { describe, expect, it } from 'vitest';
import { environmentDefaults, type FlagShape, renamingNotes } from '../../src/cli/environment.js';
import { betweenSamplers } from '../../src/cli/flags.js';
import { UsageError } from '../../src/errors.js';

const flags: Record<string, FlagShape> = {
  dataset: { type: 'option', multiple: true },
  'log-sequences': { type: 'option' },
  batch: { type: 'option', char: 'b' },
  format: { type: 'option' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean' },
};
const argvOf = (env: Record<string, string>, typed: string[] = []) =>
  environmentDefaults(flags, typed, env).argv;

describe('environment variables', () => {
  it('give flags their defaults, dashes as underscores', () => {
    expect(argvOf({ DUO_EVAL_LOG_SEQUENCES: 'a b.tsv', OTHER: 'x' })).toEqual(['--log-sequences=a b.tsv']);
  });

  it('give several values to a flag that may be repeated, by commas', () => {
    expect(argvOf({ DUO_EVAL_DATASET: 'ptb=a.txt, lambada' })).toEqual([
      '--dataset=ptb=a.txt',
      '--dataset=lambada',
    ]);
  });

  it('leave a flag that separates its values itself one text', () => {
    const sampler: FlagShape = { type: 'option', multiple: true, separate: betweenSamplers };
    const { argv } = environmentDefaults({ sampler }, [], { DUO_EVAL_SAMPLER: 'psi:eta=1,kappa=2,dcd' });
    expect(argv).toEqual(['--sampler=psi:eta=1,kappa=2,dcd']);
  });

  it('count for nothing when the flag is typed, in any of its spellings', () => {
    for (const typed of [['--batch', '2'], ['--batch=2'], ['-b', '2'], ['-b2']]) {
      expect(argvOf({ DUO_EVAL_BATCH: '8' }, typed)).toEqual([]);
    }
    expect(argvOf({ DUO_EVAL_BATCH: '8' }, ['--', '--batch'])).toEqual(['--batch=8']);
  });

  it('count for nothing when empty', () => {
    expect(argvOf({ DUO_EVAL_BATCH: '', DUO_EVAL_QUIET: ' ' })).toEqual([]);
  });

  it('yield to a typed flag that answers the same question', () => {
    expect(argvOf({ DUO_EVAL_JSON: '1' }, ['--format', 'csv'])).toEqual([]);
    expect(argvOf({ DUO_EVAL_FORMAT: 'csv' }, ['--json'])).toEqual([]);
  });

  it('are read under the former name of a flag, unless the present one is set or typed', () => {
    const renamed: Record<string, FlagShape> = { dataset: { type: 'option', aliases: ['data'] } };
    const { argv, sources } = environmentDefaults(renamed, [], { DUO_EVAL_DATA: 'a.txt' });
    expect(argv).toEqual(['--dataset=a.txt']);
    expect(renamingNotes(renamed, [], sources)).toEqual([
      'DUO_EVAL_DATA is now called DUO_EVAL_DATASET; the old name goes in the next version.',
    ]);
    const both = environmentDefaults(renamed, [], { DUO_EVAL_DATA: 'a.txt', DUO_EVAL_DATASET: 'b.txt' });
    expect(both.argv).toEqual(['--dataset=b.txt']);
    expect(renamingNotes(renamed, [], both.sources)).toEqual([]);
    expect(environmentDefaults(renamed, ['--data=c.txt'], { DUO_EVAL_DATASET: 'b.txt' }).argv).toEqual([]);
  });

  it('turn switches on and off, and refuse anything else', () => {
    expect(argvOf({ DUO_EVAL_QUIET: 'true' })).toEqual(['--quiet']);
    expect(argvOf({ DUO_EVAL_QUIET: '0' })).toEqual([]);
    expect(() => argvOf({ DUO_EVAL_QUIET: 'perhaps' })).toThrow(UsageError);
  });
});
