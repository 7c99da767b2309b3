/**
 * The commands that reproduce rows, from their records. Records name data sets but not their paths. Rows of `bench` that one
 * command can time together share a command, and real text belongs to the command of the row before it.
 */

import { shellCommand, shellWord } from '../printing/shell-command.js';
import { fieldOf, numberOf, type ResultRow } from '../records/evaluation.js';

type Flag = readonly [string, string | number | null];

/** Rows of one command, and the real text among them. */
interface Run {
  rows: [ResultRow, ...ResultRow[]];
  references: string[];
}

/** @returns each command once; flags that a record does not determine are omitted */
export function commandsOf(rows: readonly ResultRow[]): string[] {
  return [...new Set(runsOf(rows).flatMap(splitUnlessComplete).flatMap(commandOf))];
}

function runsOf(rows: readonly ResultRow[]): Run[] {
  const runs: Run[] = [];
  for (const row of rows) {
    const last = runs.at(-1);
    const before = last?.rows[0];
    const isBeside = before?.file === row.file;
    if (row.eval === 'gen' && !fieldOf(row, 'samples.sampler') && !textOf(row, 'samples.path')) {
      if (isBeside && (before.eval === 'gen' || before.eval === 'bench')) last?.references.push(row.dataset);
    } else if (row.eval === 'bench' && isBeside && isOneRun(before, row)) last?.rows.push(row);
    else runs.push({ rows: [row], references: [] });
  }
  return runs;
}

/** `--sampler-option` applies to every sampler of a command, so samplers share a command only with equal options. */
function isOneRun(a: ResultRow, b: ResultRow): boolean {
  const [ofA, ofB] = [optionsOf(a), optionsOf(b)].map((options) => JSON.stringify(options));
  const shared = (row: ResultRow) => JSON.stringify(benchFlags(row));
  const alike = ofA === ofB && (ofA === '[]' || samplerOf(a) === samplerOf(b));
  return a.eval === b.eval && alike && shared(a) === shared(b);
}

/** One run if its rows are exactly models × samplers × steps, else one run per row. */
function splitUnlessComplete(run: Run): Run[] {
  const { models, samplers, steps, baselines } = gridOf(run.rows);
  if (run.rows.length === models.length * samplers.length * steps.length + baselines.length) return [run];
  return run.rows.map((row, i) => ({
    rows: [row],
    references: i === run.rows.length - 1 ? run.references : [],
  }));
}

/** Ar models use their own sampler and number of steps. */
function gridOf(rows: readonly ResultRow[]) {
  const isBaseline = (row: ResultRow) => textOf(row, 'model.family') === 'ar';
  const drawn = rows.filter((row) => !isBaseline(row));
  const unique = <T>(values: T[]) => [...new Set(values)];
  return {
    models: unique(drawn.map(modelOf)),
    samplers: unique(drawn.map(samplerOf)),
    steps: unique(drawn.map(stepsOf)),
    baselines: unique(rows.filter(isBaseline).map(modelOf)),
  };
}

function commandOf(run: Run): string[] {
  const [row] = run.rows;
  switch (row.eval) {
    case 'ppl':
      return [perplexityCommand(row)];
    case 'gen':
      return generativeCommand(row, run.references);
    case 'bench':
      return [benchCommand(run)];
    case 'frontier':
      return [frontierCommand(row)];
    default:
      return [];
  }
}

/** In version 1 a limit meant the first sequences. */
function isOfVersion1(row: ResultRow): boolean {
  return numberOf(row, 'protocol.version') === 1;
}

function perplexityCommand(row: ResultRow): string {
  const exact = textOf(row, 'protocol.estimator') === 'exact';
  return shellCommand('ppl', [
    ['model', modelOf(row)],
    ['dataset', row.dataset],
    ['protocol', textOf(row, 'protocol.name')],
    ['length', numberOf(row, 'protocol.length')],
    ['draws', exact ? null : numberOf(row, 'protocol.draws')],
    ['seed', exact ? null : numberOf(row, 'protocol.seed')],
    ['estimator', exact ? null : textOf(row, 'protocol.estimator')],
    [
      textOf(row, 'dataset.selection') === 'first' || isOfVersion1(row) ? 'first' : 'limit',
      numberOf(row, 'dataset.limit'),
    ],
  ]);
}

/** Of a samples file, or of a model that is sampled in this run. */
function generativeCommand(row: ResultRow, references: readonly string[]): string[] {
  const path = textOf(row, 'samples.path');
  const shared: Flag[] = [...judgeFlags(row), ...references.map((name): Flag => ['reference-dataset', name])];
  if (path !== null) return [`${shellCommand('gen', shared)} ${shellWord(nameAndPath(row.model, path))}`];
  if (textOf(row, 'model.path') === null) return [];
  return [shellCommand('gen', [['model', modelOf(row)], ...drawnFlags(row), ...drawFlags(row), ...shared])];
}

function benchCommand({ rows, references }: Run): string {
  const [row] = rows;
  const { models, samplers, steps, baselines } = gridOf(rows);
  const command = shellCommand('bench', [
    ...[...models, ...baselines].map((model): Flag => ['model', model]),
    ...(samplers.length > 0 ? samplers : [samplerOf(row)]).map((name): Flag => ['sampler', name]),
    ...optionFlags(row),
    ['steps', steps.join(',')],
    ...benchFlags(row),
    ...references.map((name): Flag => ['reference-dataset', name]),
  ]);
  return numberOf(row, 'throughput.peakMemoryBytes') === null ? `${command} --no-memory` : command;
}

/** Flags that all configurations of a command share. */
function benchFlags(row: ResultRow): Flag[] {
  const against = textOf(row, 'throughput.against.path');
  const provider = textOf(row, 'environment.provider');
  return [
    ...drawFlags(row),
    ['batch', numberOf(row, 'throughput.batch')],
    ['provider', provider === 'cpu' ? null : provider],
    ['threads', numberOf(row, 'environment.threads')],
    ['against', against && nameAndPath(textOf(row, 'throughput.against.name') ?? '', against)],
    ...judgeFlags(row),
  ];
}

function frontierCommand(row: ResultRow): string {
  const points = (fieldOf(row, 'points') ?? []) as { temperature: number; samples: number }[];
  const real = textOf(row, 'target.dataset');
  return shellCommand('frontier', [
    ['model', modelOf(row)],
    ...drawnFlags(row),
    ['temperatures', points.map(({ temperature }) => temperature).join(',')],
    ['samples', points[0]?.samples ?? null],
    ['length', numberOf(row, 'length')],
    ['top-k', numberOf(row, 'topK')],
    ['top-p', numberOf(row, 'topP')],
    real === null ? ['entropy', numberOf(row, 'target.entropy')] : ['reference-dataset', real],
    ...judgeFlags(row),
  ]);
}

/** The sampler of a row's texts. */
function drawnFlags(row: ResultRow): Flag[] {
  const isBaseline = textOf(row, 'model.family') === 'ar';
  return [['sampler', samplerOf(row)], ...optionFlags(row), ['steps', isBaseline ? null : stepsOf(row)]];
}

function optionFlags(row: ResultRow): Flag[] {
  return optionsOf(row).map(([name, value]): Flag => ['sampler-option', `${name}=${value}`]);
}

/** Sampling flags of every sampler. */
function drawFlags(row: ResultRow): Flag[] {
  return [
    ['samples', numberOf(row, 'samples.count')],
    ['length', numberOf(row, 'samples.length')],
    ['temperature', numberOf(row, 'samples.temperature')],
    ['top-k', numberOf(row, 'samples.topK')],
    ['top-p', numberOf(row, 'samples.topP')],
  ];
}

function judgeFlags(row: ResultRow): Flag[] {
  const path = textOf(row, 'judge.path');
  return [
    ['judge', path && nameAndPath(textOf(row, 'judge.name') ?? '', path)],
    ['context', path && numberOf(row, 'judge.context')],
    ['protocol', textOf(row, 'protocol.name')],
    ['seed', numberOf(row, 'protocol.seed')],
  ];
}

function samplerFieldOf(row: ResultRow, key: string): unknown {
  return fieldOf(row, `samples.sampler.${key}`) ?? fieldOf(row, `sampler.${key}`);
}

/** Name of a sampler, or path of a user's module. */
function samplerOf(row: ResultRow): string {
  const module = samplerFieldOf(row, 'module') as { path?: string } | undefined;
  return module?.path ?? String(samplerFieldOf(row, 'name') ?? '');
}

const stepsOf = (row: ResultRow) => (samplerFieldOf(row, 'steps') ?? null) as number | null;

const optionsOf = (row: ResultRow) => Object.entries((samplerFieldOf(row, 'options') ?? {}) as object);

function modelOf(row: ResultRow): string {
  const path = textOf(row, 'model.path');
  return path === null ? row.model : nameAndPath(row.model, path);
}

/** `name=path` where a name can be told from a path, and says more than it. */
function nameAndPath(name: string, path: string): string {
  return /^[A-Za-z0-9][\w.+-]*$/.test(name) ? `${name}=${path}` : path;
}

function textOf(row: ResultRow, path: string): string | null {
  const value = fieldOf(row, path);
  return typeof value === 'string' ? value : null;
}
