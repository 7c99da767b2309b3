/** The lines under a table of tasks: what the figures are of, and what must not be overlooked. */
import { plainText } from '../../terminal-text.js';
import type { TasksResult } from './record.js';

const unique = (lines: readonly string[]): string[] => [...new Set(lines)];
const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

/** What ln p of a continuation is, by estimator. */
const MEANING: Readonly<Record<TasksResult['protocol']['estimator'], string>> = {
  'chain-rule': 'ln p left to right, exact',
  policy: 'the exact ln p of the sampler that reveals tokens in this order',
  evidence: 'ln p under a uniformly random order, exact',
  bound:
    'a bound on ln p over the continuation alone; context and tail are clean at every level of noise. The gap of a bound differs between choices, and no draws close it',
  generation: 'generated text, compared with the target',
};

export function taskNotes(results: readonly TasksResult[]): string[] {
  return [
    ...partLines(results),
    ...estimatorLines(results),
    ...tailLines(results),
    ...errorLines(results),
    ...chanceLines(results),
    ...ceilingLines(results),
    ...aupLines(results),
    ...flipLines(results),
    ...cutLines(results),
  ].map(plainText);
}

function partLines(results: readonly TasksResult[]): string[] {
  return unique(results.flatMap(({ part }) => (part ? [`${part.part} of ${part.of}`] : []))).map(
    (which) => `These are the items of part ${which}: duo-eval merge joins the results of all parts.`,
  );
}

function estimatorLines(results: readonly TasksResult[]): string[] {
  return unique(
    results.map(({ protocol: { estimator, policy, tokensPerCall, draws, until } }) => {
      const how = [
        policy ?? '',
        tokensPerCall === null || tokensPerCall === 1 ? '' : `${tokensPerCall} tokens per call`,
        draws === null ? '' : until === null ? `${draws} draws` : `at most ${draws} draws`,
        until === null ? '' : `until another pick has a chance of at most ${until}`,
      ].filter(Boolean);
      return `${estimator}${how.length > 0 ? ` (${how.join(', ')})` : ''}: ${MEANING[estimator]}.`;
    }),
  );
}

function tailLines(results: readonly TasksResult[]): string[] {
  const tails = unique(results.flatMap(({ protocol: { tail } }) => (tail === null ? [] : [tail])));
  if (tails.length === 0) return [];
  const said = tails.length === 1 ? `Tail ${tails[0]}` : `Tails ${tails.join(', ')}`;
  return [
    `${said}: what stands behind a continuation is part of the protocol. Models that were trained on windows expect EOS there.`,
  ];
}

function errorLines(results: readonly TasksResult[]): string[] {
  const clustered = unique(
    results.filter(({ items }) => items.clustered).map(({ task, items }) => `${task.name} ${items.units}`),
  );
  const over =
    clustered.length > 0
      ? `over items; where items share a passage, over passages (${clustered.join(', ')})`
      : 'over items';
  return [`Errors are ${over}: how the figure would vary on other items of the kind.`];
}

function chanceLines(results: readonly TasksResult[]): string[] {
  const chances = unique(
    results.flatMap(({ task, items: { chance } }) =>
      chance === null ? [] : [`${task.name} ${percent(chance)}`],
    ),
  );
  return chances.length === 0 ? [] : [`Picking at random gets right: ${chances.join(', ')}.`];
}

function ceilingLines(results: readonly TasksResult[]): string[] {
  return results.flatMap(({ model, task, items: { ceiling = null }, protocol: { sampler, steps } }) =>
    ceiling === null || ceiling >= 1
      ? []
      : [
          `${model.name} on ${task.name}: an ideal model gets ${percent(ceiling)} right by the sampler ${sampler} in ${steps} steps, since tokens of one call do not know of one another.`,
        ],
  );
}

function aupLines(results: readonly TasksResult[]): string[] {
  const [first] = results.flatMap(({ aup }) => aup ?? []);
  if (!first) return [];
  const lines = results.flatMap(({ model, task, protocol, aup }) => {
    const left = aup?.points.filter(({ counts }) => !counts).length ?? 0;
    return left === 0
      ? []
      : [
          `${model.name} on ${task.name} by ${protocol.sampler}: ${left} of ${aup?.points.length} settings are more than 5 points below the slowest, and do not count in AUP.`,
        ];
  });
  const whose = first.isGiven ? 'as given' : 'of these results';
  return [
    `TPF: tokens of the answers, up to their ends, per model call. AUP: area under accuracy, in percent, over TPF, weighted by exp(−3(1 − accuracy/best)), the best accuracy on the task ${whose} (d3LLM); it stands on the slowest setting. ±: over items, the same for all settings.`,
    ...lines,
    ...(results.some(({ metrics }) => metrics.aup && metrics.aup.ci95 === null)
      ? ['An AUP without ± is of too few items, or of results without those of single items (--by-item).']
      : []),
  ];
}

function flipLines(results: readonly TasksResult[]): string[] {
  const drawn = results.filter(({ items, protocol }) => protocol.draws !== null && items.chance !== null);
  return drawn.map(
    ({ model, task, items: { flips, count } }) =>
      `${model.name} on ${task.name}: more draws would change ${flips.toFixed(1)} of ${count} picks, by their margins; --until or --draws makes that fewer.`,
  );
}

function cutLines(results: readonly TasksResult[]): string[] {
  return results.flatMap(({ model, task, items: { cut, count } }) =>
    cut === 0
      ? []
      : [
          `${model.name} on ${task.name}: ${cut} of ${count} items are longer than the model and were cut from the left.`,
        ],
  );
}
