/** The `bench` that would give rows again. Rows that one command can time together share it. */
import { shellCommand } from '../../printing/shell-command.js';
import {
  numberOf,
  type RepetitionDeclaration,
  type ResultRow,
  type SuiteEntry,
  type SuiteEntryContext,
} from '../../records/evaluation.js';
import {
  type CommandFlag,
  commandFlags,
  drawFlags,
  isBaseline,
  judgeFlags,
  knownKeys,
  measureFlags,
  modelOf,
  NO_MODEL,
  nameAndPath,
  samplerOf,
  samplerOptionFlags,
  samplerOptionsOf,
  stepsOf,
  suiteMeasures,
  suiteModel,
  suiteSampling,
  suiteTexts,
  textOf,
} from '../command-flags.js';

export const benchRepetition: RepetitionDeclaration = {
  evaluatesRealText: true,
  sharesCommand,
  inSuite,
  /** One command if the rows are exactly models × samplers × steps, else one per row. */
  commands(rows, realText) {
    const { models, samplers, steps, baselines } = gridOf(rows);
    if (rows.length === models.length * samplers.length * steps.length + baselines.length)
      return [commandOf(rows, realText)];
    return rows.map((row, i) => commandOf([row], i === rows.length - 1 ? realText : []));
  },
};

/** Models that take turns are timed together, so an ar model goes with whatever samplers and steps the others have. */
function inSuite(row: ResultRow, context: SuiteEntryContext): SuiteEntry | string {
  const model = suiteModel(row, context);
  if (model === null) return NO_MODEL;
  if (textOf(row, 'throughput.against.path') !== null) return 'another build took turns with it (--against)';
  const { seeds, ...lists } = suiteSampling(row, context).lists;
  return {
    model,
    ...(isBaseline(row)
      ? { lists: { seeds }, any: ['samplers', 'steps'] }
      : { ...suiteSampling(row, context), lists: { ...lists, seeds } }),
    shared: {
      ...suiteTexts(row, context),
      ...knownKeys({ batch: numberOf(row, 'throughput.batch') }),
      ...suiteMeasures(row, context),
      ...(numberOf(row, 'throughput.peakMemoryBytes') === null && { memory: false }),
    },
  };
}

/** `--sampler-option` applies to every sampler of a command, so samplers share a command only with equal options. */
function sharesCommand(a: ResultRow, b: ResultRow): boolean {
  const [ofA, ofB] = [samplerOptionsOf(a), samplerOptionsOf(b)].map((options) => JSON.stringify(options));
  const shared = (row: ResultRow) => JSON.stringify(sharedFlags(row));
  const alike = ofA === ofB && (ofA === '[]' || samplerOf(a) === samplerOf(b));
  return alike && shared(a) === shared(b);
}

/** Ar models use their own sampler and number of steps. */
function gridOf(rows: readonly ResultRow[]) {
  const drawn = rows.filter((row) => !isBaseline(row));
  const unique = <T>(values: T[]) => [...new Set(values)];
  return {
    models: unique(drawn.map(modelOf)),
    samplers: unique(drawn.map(samplerOf)),
    steps: unique(drawn.map(stepsOf)),
    baselines: unique(rows.filter(isBaseline).map(modelOf)),
  };
}

function commandOf(rows: readonly [ResultRow, ...ResultRow[]], realText: readonly string[]): string {
  const [row] = rows;
  const { models, samplers, steps, baselines } = gridOf(rows);
  const command = shellCommand('bench', [
    ...commandFlags('model', [...models, ...baselines]),
    ...commandFlags('sampler', samplers.length > 0 ? samplers : [samplerOf(row)]),
    ...samplerOptionFlags(row),
    ['steps', steps.join(',')],
    ...sharedFlags(row),
    ...commandFlags('reference-dataset', realText),
  ]);
  return numberOf(row, 'throughput.peakMemoryBytes') === null ? `${command} --no-memory` : command;
}

/** Flags that all configurations of a command share. */
function sharedFlags(row: ResultRow): CommandFlag[] {
  const against = textOf(row, 'throughput.against.path');
  const provider = textOf(row, 'environment.provider');
  return [
    ...drawFlags(row),
    ['batch', numberOf(row, 'throughput.batch')],
    ['provider', provider === 'cpu' ? null : provider],
    ['threads', numberOf(row, 'environment.threads')],
    ['against', against && nameAndPath(textOf(row, 'throughput.against.name') ?? '', against)],
    ...judgeFlags(row),
    ...measureFlags(row),
  ];
}
