/** The command that would give a row again, from what its record says. Data sets are known by name alone. */
import { fieldOf, numberOf, type ResultRow } from '../rows.js';

/** @returns one command a row, each once; null in place of what a record does not say is left out */
export function commandsOf(rows: readonly ResultRow[]): string[] {
  return [...new Set(rows.map(commandOf).filter((command) => command !== null))];
}

function commandOf(row: ResultRow): string | null {
  switch (row.eval) {
    case 'ppl':
      return perplexityCommand(row);
    case 'gen':
      return generativeCommand(row);
    default:
      return null;
  }
}

function perplexityCommand(row: ResultRow): string {
  const text = (path: string) => {
    const value = fieldOf(row, path);
    return typeof value === 'string' ? value : null;
  };
  const exact = text('protocol.estimator') === 'exact';
  return command('ppl', [
    ['model', modelOf(row)],
    ['dataset', row.dataset],
    ['protocol', text('protocol.name')],
    ['length', numberOf(row, 'protocol.length')],
    ['draws', exact ? null : numberOf(row, 'protocol.draws')],
    ['seed', exact ? null : numberOf(row, 'protocol.seed')],
    ['estimator', exact ? null : text('protocol.estimator')],
    ['limit', numberOf(row, 'dataset.limit')],
  ]);
}

function generativeCommand(row: ResultRow): string | null {
  const path = fieldOf(row, 'samples.path');
  if (typeof path !== 'string') return null;
  const judge = fieldOf(row, 'judge.path');
  return `${command('gen', [
    ['judge', typeof judge === 'string' ? judge : null],
    ['protocol', String(fieldOf(row, 'protocol.name') ?? '')],
    ['seed', numberOf(row, 'protocol.seed')],
  ])} ${quoted(`${row.model}=${path}`)}`;
}

function modelOf({ record, model }: ResultRow): string {
  const path = (record.model as { path?: unknown } | null)?.path;
  return typeof path === 'string' ? `${model}=${path}` : model;
}

function command(name: string, flags: [string, string | number | null][]): string {
  const given = flags.filter(([, value]) => value !== null && value !== '');
  return ['duo-eval', name, ...given.map(([flag, value]) => `--${flag} ${quoted(String(value))}`)].join(' ');
}

/** As a POSIX shell reads it. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`;
}
