/**
 * A task: documents, and how each becomes a prompt with choices, a target or a text to score. Two forms of files declare one: our own
 * (own-file.ts) and that of lm-evaluation-harness (lm-eval-file.ts). Both become what is here, which knows neither.
 */
import type { DocumentFunction, PartFunction } from './functions.js';
import type { ListsAsked } from './lists.js';
import type { Template } from './template.js';

/** What is asked of the model, by the names that lm-evaluation-harness gives it. */
export const OUTPUT_TYPES = [
  'multiple_choice',
  'loglikelihood',
  'loglikelihood_rolling',
  'generate_until',
] as const;
export type OutputType = (typeof OUTPUT_TYPES)[number];

/** Figures by output type, again by the names of lm-evaluation-harness. */
export const METRICS: Readonly<Record<OutputType, readonly string[]>> = {
  multiple_choice: ['acc', 'acc_norm', 'acc_bytes', 'exact_match'],
  loglikelihood: ['perplexity', 'acc'],
  loglikelihood_rolling: ['word_perplexity', 'byte_perplexity', 'bits_per_byte'],
  generate_until: ['exact_match'],
};

/** Where a value of a document comes from. */
export type Part =
  | { kind: 'template'; template: Template }
  /** The same for every document: an index of the choice, or the choices. */
  | { kind: 'constant'; value: number | readonly string[] }
  | { kind: 'function'; of: PartFunction };

/** Where documents come from. */
export interface DataSource {
  /** On the hub; null for files alone. */
  repo: string | null;
  /** Configurations of the data set, one after the other; null: its only one. */
  configs: readonly (string | null)[];
  /** Files by split, as the task file names them, relative to it. */
  files: Readonly<Record<string, readonly string[]>> | null;
  /** Lists of letters that are made, whatever the split; null: none are. */
  lists: ListsAsked | null;
}

/** How examples before the question are chosen. */
export interface Shots {
  count: number;
  /** Split that they come from; null: none is named. */
  split: string | null;
  /** The first ones, or drawn as lm-evaluation-harness draws them. */
  order: 'first' | 'drawn';
  /** Draws one more, in case one is the document itself: lm-evaluation-harness does where it evaluates no test split. */
  spare: boolean;
  /** In place of a split. */
  documents: readonly Readonly<Record<string, unknown>>[] | null;
}

export interface Task {
  name: string;
  /** As lm-evaluation-harness has it in `metadata.version`. */
  version: number;
  /** What its documents are, in words; null: not said. */
  about: string | null;
  /** The task file as a user named it; null: built in. */
  path: string | null;
  /** Of all files that declare it. */
  sha256: string;
  output: OutputType;
  data: DataSource;
  /** Split that is evaluated. */
  split: string;
  /** Turns the documents of a split into others first. */
  documents: DocumentFunction | null;
  description: Template | null;
  prompt: Part;
  choices: Part | null;
  target: Part;
  /** Between prompt and choice or target. */
  targetDelimiter: string;
  /** After an example. */
  shotDelimiter: string;
  shots: Shots;
  metrics: readonly string[];
  /**
   * `mc2`: acc is the share of probability of all true choices (TruthfulQA), which the document's labels name. `sudoku` and
   * `countdown`: an answer is right if it solves the puzzle (puzzles.ts); `replace` and `shuffle`: any right list counts (lists.ts).
   */
  scoring: 'mc2' | 'sudoku' | 'countdown' | 'replace' | 'shuffle' | null;
  /** What items of one cluster share, such as a passage; null: items are independent. */
  cluster: Template | null;
  /** generate_until. */
  generation: Generation | null;
}

/** How an answer is written, and compared. */
export interface Generation {
  /** Where it ends. */
  until: readonly string[];
  /** Its most tokens. */
  tokens: number;
  ignoreCase: boolean;
  ignorePunctuation: boolean;
  /** Whether tokens are drawn from the model's distribution; else the most probable ones are taken. */
  draw: boolean;
  /** White space at the ends of the answer does not count. */
  trim: boolean;
}

/** Whether a task asks for texts that a sampler writes. */
export const isGenerated = ({ output }: Pick<Task, 'output'>): boolean => output === 'generate_until';
