/**
 * Documents as what a model is asked: contexts, continuations and right answers, put together as lm-evaluation-harness does, so that
 * prompts are the same: description, examples, prompt, delimiter, choice.
 */
import { UsageError } from '../../errors.js';
import { PythonRandom } from '../../random/python-random.js';
import { isInShard, type Shard } from '../shard.js';
import type { Documents, PlacedDocument } from './documents.js';
import { answersOf, choicesOf, promptOf, targetOf, targetTextOf, unusable } from './parts.js';
import type { Task } from './task.js';

/** One document, ready to be asked. */
export interface TaskItem {
  /** Place of its document in the split, from 0. */
  index: number;
  where: string;
  /** What items of one cluster share; null: nothing. */
  cluster: string | null;
  /** One for each choice, else one. A continuation is scored; one that is generated is empty. */
  requests: readonly { context: string; continuation: string }[];
  /** Texts of the choices without the delimiter: what acc_norm divides by. */
  choices: readonly string[];
  /** Indices of the right choices. Without choices none. */
  answers: readonly number[];
  /** Texts that count as right where a text is generated; the scored text of the other kinds without choices. */
  targets: readonly string[];
  /** What a generated answer has to solve: `input` of the document; empty where it has none. */
  puzzle: string;
}

/** Which documents are evaluated. */
export interface ItemSelection {
  /** So many, spread evenly over the split, or the first; null: all. */
  limit: number | null;
  order: 'spread' | 'first';
  /** Only every n-th of those. */
  shard: Shard | null;
}

/** Seed of examples that are drawn, as in lm-evaluation-harness. */
const SHOT_SEED = 1234;

/** @param shots documents of the split that examples come from; null: none are needed   @throws UsageError, DataError */
export function itemsOf(
  task: Task,
  { documents }: Documents,
  shots: Documents | null,
  selection: ItemSelection,
): TaskItem[] {
  const chooser = shots === null ? null : new ShotChooser(task, shots.documents);
  const wanted = new Set(selectedPlaces(documents.length, selection));
  const items: TaskItem[] = [];
  for (const [index, placed] of documents.entries()) {
    // Drawn examples follow from those of the documents before.
    const examples = chooser?.examplesFor(placed) ?? [];
    if (wanted.has(index)) items.push(itemOf(task, index, placed, examples));
  }
  return items;
}

/** Places of the chosen documents, ascending. */
function selectedPlaces(count: number, { limit, order, shard }: ItemSelection): number[] {
  const taken = Math.min(limit ?? count, count);
  const places = Array.from({ length: taken }, (_, i) =>
    order === 'first' ? i : Math.floor(((i + 0.5) * count) / taken),
  );
  return places.filter((_, i) => isInShard(i, shard));
}

function itemOf(
  task: Task,
  index: number,
  { document, where }: PlacedDocument,
  examples: readonly PlacedDocument[],
): TaskItem {
  const intro = task.description?.text(document) ?? '';
  const before = intro + examples.map((example) => exampleText(task, example)).join('');
  const cluster = task.cluster?.text(document) ?? null;
  const puzzle = typeof document.input === 'string' ? document.input : '';
  const common = { index, where, cluster, puzzle };
  switch (task.output) {
    case 'multiple_choice':
      return { ...common, ...choiceItem(task, document, before, where) };
    case 'loglikelihood': {
      const target = targetTextOf(task, document, where);
      if (target === '') throw unusable(where, 'its target is empty');
      const context = before + promptText(task, document, where);
      return {
        ...common,
        ...WITHOUT_CHOICES,
        requests: [{ context, continuation: target }],
        targets: [target],
      };
    }
    case 'loglikelihood_rolling': {
      const target = targetTextOf(task, document, where);
      if (target === '') throw unusable(where, 'its text is empty');
      return {
        ...common,
        ...WITHOUT_CHOICES,
        requests: [{ context: '', continuation: target }],
        targets: [target],
      };
    }
    case 'generate_until': {
      const target = targetOf(task, document);
      const targets = (Array.isArray(target) ? target : [target]).map(String);
      const context = before + promptText(task, document, where);
      return { ...common, ...WITHOUT_CHOICES, requests: [{ context, continuation: '' }], targets };
    }
  }
}

const WITHOUT_CHOICES = { choices: [], answers: [] } as const;

function choiceItem(
  task: Task,
  document: PlacedDocument['document'],
  before: string,
  where: string,
): Pick<TaskItem, 'requests' | 'choices' | 'answers' | 'targets'> {
  const choices = choicesOf(task, document, where);
  const prompt = promptOf(task, document, where);
  if (typeof prompt === 'number') {
    // The choices are contexts, and one text follows each of them: the prompt says which is right.
    const continuation = task.targetDelimiter + targetTextOf(task, document, where);
    const answers = answersOf(prompt, choices, where);
    return {
      ...{ choices, answers, targets: [] },
      requests: choices.map((choice) => ({ context: before + choice, continuation })),
    };
  }
  const answers =
    task.scoring === 'mc2'
      ? trueChoices(document, choices, where)
      : answersOf(targetOf(task, document), choices, where);
  const context = before + prompt;
  const requests = choices.map((choice) => ({ context, continuation: task.targetDelimiter + choice }));
  return { choices, answers, targets: [], requests };
}

/** TruthfulQA says with 1 and 0 which of its choices are true. */
function trueChoices(
  document: PlacedDocument['document'],
  choices: readonly string[],
  where: string,
): number[] {
  const { labels } = (document.mc2_targets ?? {}) as { labels?: unknown };
  const isSound = Array.isArray(labels) && labels.length === choices.length && labels.includes(1);
  if (!isSound) throw unusable(where, 'its mc2_targets.labels do not say which choices are true');
  return labels.flatMap((label, i) => (label === 1 ? [i] : []));
}

function promptText(task: Task, document: PlacedDocument['document'], where: string): string {
  return String(promptOf(task, document, where));
}

/** A solved document. */
function exampleText(task: Task, { document, where }: PlacedDocument): string {
  const prompt = promptOf(task, document, where);
  let [question, answer]: [string, string] = ['', ''];
  if (task.choices === null) [question, answer] = [String(prompt), targetTextOf(task, document, where)];
  else {
    const choices = choicesOf(task, document, where);
    if (typeof prompt === 'number')
      [question, answer] = [
        choices[answersOf(prompt, choices, where)[0]],
        targetTextOf(task, document, where),
      ];
    else [question, answer] = [prompt, choices[answersOf(targetOf(task, document), choices, where)[0]]];
  }
  // An answer that fills a gap stands in it.
  const isInGap = / *<gap[^>]*>/.exec(question);
  const solved = isInGap
    ? question.replace(isInGap[0], () => task.targetDelimiter + answer)
    : question + task.targetDelimiter + answer;
  return solved + task.shotDelimiter;
}

/** Chooses examples for documents in turn, never the document itself. */
class ShotChooser {
  private readonly random = new PythonRandom(SHOT_SEED);
  private readonly pools = new Map<string | null, PlacedDocument[]>();

  /** @throws UsageError where there are fewer examples than are asked for */
  constructor(
    private readonly task: Task,
    documents: readonly PlacedDocument[],
  ) {
    for (const placed of documents) {
      const pool = this.pools.get(placed.config);
      if (pool) pool.push(placed);
      else this.pools.set(placed.config, [placed]);
    }
  }

  examplesFor({ document, config }: PlacedDocument): PlacedDocument[] {
    const { shots, split } = this.task;
    const { count } = shots;
    const all = this.pools.get(config) ?? [];
    const text = JSON.stringify(document);
    const isItself = (one: PlacedDocument) => JSON.stringify(one.document) === text;
    const excludes = shots.split === split && shots.documents === null;
    const needed = count + Number(shots.order === 'drawn' && (shots.spare || excludes));
    if (all.length < needed) throw this.tooFew(all.length);
    if (shots.order === 'first')
      return (excludes ? all.filter((one) => !isItself(one)) : all).slice(0, count);
    const drawn = this.random.sample(all.length, needed).map((i) => all[i]);
    return drawn.filter((one) => !isItself(one)).slice(0, count);
  }

  private tooFew(count: number): UsageError {
    return new UsageError({
      code: 'too-few-examples',
      message: `${this.task.name}: ${this.task.shots.count} examples are asked for, and its split ${this.task.shots.split} has ${count}.`,
      hint: 'Give a smaller --few-shot.',
    });
  }
}
