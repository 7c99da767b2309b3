/** The suite, or the command, that would give a row of `tasks` again. */
import { shellCommand } from '../../printing/shell-command.js';
import {
  fieldOf,
  numberOf,
  type RepetitionDeclaration,
  type ResultRow,
  type SuiteEntry,
  type SuiteEntryContext,
} from '../../records/evaluation.js';
import { knownKeys, modelOf, NO_MODEL, suiteModel, textOf } from '../command-flags.js';
import type { TasksResult } from './record.js';

export const taskRepetition: RepetitionDeclaration = {
  inSuite,
  commands: ([row]) => [commandOf(row)],
};

function shardOf(row: ResultRow): string | null {
  const [part, of] = [numberOf(row, 'part.part'), numberOf(row, 'part.of')];
  return part === null || of === null ? null : `${part}/${of}`;
}

/** An ar model's likelihoods are exact, so it goes with whatever likelihood the others have. */
function inSuite(row: ResultRow, context: SuiteEntryContext): SuiteEntry | string {
  const model = suiteModel(row, context);
  if (model === null) return NO_MODEL;
  if (fieldOf(row, 'part')) return 'it is of a part of the items (--shard)';
  const { task, protocol, dataset } = row.record as TasksResult;
  const { estimator, policy, tokensPerCall, draws, until, seed, tail, bos, tooLong, steps } = protocol;
  const isDrawn = estimator === 'bound';
  const isExact = estimator === 'chain-rule';
  const isAr = textOf(row, 'model.family') === 'ar';
  return {
    model,
    lists: {
      tasks: task.path === null ? task.name : context.at(task.path),
      ...(typeof steps === 'number' && { steps }),
      ...(estimator === 'generation' && !isAr && { samplers: samplerOf(row) }),
    },
    any: [
      ...(isExact ? ['likelihood', 'draws', 'until', 'seed', 'tail'] : []),
      // An ar model uses its own sampler, a step per token.
      ...(estimator === 'generation' && isAr ? ['samplers', 'steps'] : []),
    ],
    shared: knownKeys({
      fewShot: protocol.shots,
      likelihood:
        estimator === 'bound' || estimator === 'evidence'
          ? estimator
          : policy === null
            ? null
            : knownKeys({ policy, tokensPerCall }),
      ...(isDrawn && { draws: until === null ? draws : null, until }),
      seed: isDrawn || estimator === 'generation' ? seed : null,
      ...(!isExact && { tail }),
      ...{ bos, tooLong },
      ...(typeof dataset.limit === 'number' && {
        [dataset.selection === 'first' ? 'first' : 'limit']: dataset.limit,
      }),
    }),
  };
}

/** `unmask:threshold=0.9` */
function samplerOf(row: ResultRow): string | null {
  const name = textOf(row, 'protocol.sampler');
  const options = Object.entries(fieldOf(row, 'protocol.samplerOptions') ?? {});
  if (name === null || options.length === 0) return name;
  return `${name}:${options.map(([key, value]) => `${key}=${value}`).join(',')}`;
}

function commandOf(row: ResultRow): string {
  const estimator = textOf(row, 'protocol.estimator');
  const isDrawn = estimator === 'bound';
  const isWritten = estimator === 'generation';
  return shellCommand('tasks', [
    ['model', modelOf(row)],
    ['task', textOf(row, 'task.path') ?? textOf(row, 'task.name')],
    ['few-shot', numberOf(row, 'protocol.shots')],
    ['likelihood', estimator === 'chain-rule' || isWritten ? null : estimator],
    ['sampler', isWritten ? samplerOf(row) : null],
    ['steps', numberOf(row, 'protocol.steps')],
    ['policy', textOf(row, 'protocol.policy')],
    ['draws', isDrawn ? numberOf(row, 'protocol.draws') : null],
    ['until', numberOf(row, 'protocol.until')],
    ['seed', isDrawn || isWritten ? numberOf(row, 'protocol.seed') : null],
    ['shard', shardOf(row)],
    ['tail', textOf(row, 'protocol.tail')],
    ['bos', textOf(row, 'protocol.bos')],
    [fieldOf(row, 'dataset.selection') === 'first' ? 'first' : 'limit', numberOf(row, 'dataset.limit')],
  ]);
}
