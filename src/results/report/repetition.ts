/** The command that would give a row again, from what its record says. Data sets are known by name alone. */

import { fieldOf, numberOf, type ResultRow } from '../rows.js';
import { shellCommand, shellWord } from '../shell-command.js';

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
  return shellCommand('ppl', [
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
  return `${shellCommand('gen', [
    ['judge', typeof judge === 'string' ? judge : null],
    ['protocol', String(fieldOf(row, 'protocol.name') ?? '')],
    ['seed', numberOf(row, 'protocol.seed')],
  ])} ${shellWord(`${row.model}=${path}`)}`;
}

function modelOf({ record, model }: ResultRow): string {
  const path = (record.model as { path?: unknown } | null)?.path;
  return typeof path === 'string' ? `${model}=${path}` : model;
}
