/**
 * Messages between the server and the process that runs the network. It is a process of its own, so that whatever ends it (the
 * runtime's native code, the system where memory is short, `kill -9`) ends no request that it was not working on.
 */
import { DataError, DuoEvalError, ModelError, NumericalError, UsageError } from '../errors.js';
import type { BosRule, TailKind } from '../evals/likelihood/items.js';
import type { ContinuationScore, ScoringMethod } from '../evals/likelihood/question-walks.js';
import type { ScoreRequest } from '../evals/likelihood/scoring-session.js';
import type { TokenCall } from '../evals/likelihood/token-session.js';
import type { CheckpointOverrides } from '../models/checkpoint.js';
import type { Placement } from '../models/provider.js';
import type { OptionValue } from '../samplers/sampler.js';

/** What the process opens. */
export interface NetworkModel {
  /** As `--model` takes it; models of the hub are in the cache by now. */
  spec: string;
  overrides: CheckpointOverrides;
  provider: Placement;
  threads?: number;
  /** A longer call of the network is an error, and the process begins anew. */
  timeoutMs?: number;
  /** Of the tokenizer, for a checkpoint that names none. */
  bosTokenId: number | null;
  eosTokenId: number | null;
  likelihood: LikelihoodSettings;
}

/** How continuations are scored. */
export interface LikelihoodSettings {
  tail: TailKind;
  bos: BosRule;
  method: ScoringMethod;
  /** Where something is drawn: by default what the session has. */
  draws?: number;
  /** Texts per model call. */
  batch?: number;
}

/** How texts are drawn that can share a batch. */
export interface DrawSetting {
  sampler: string;
  options: Readonly<Record<string, OptionValue>>;
  steps: number;
  /** Above 0; the most probable token is `topK: 1`. */
  temperature: number;
  topK: number | null;
  topP: number | null;
}

/** A text to be drawn. */
export interface DrawRow {
  seed: number;
  /** Number of the text among those of its seed. */
  sample: number;
  /** [length]; where `fixed` is 1 they are given. */
  tokens: Int32Array;
  fixed: Uint8Array;
  /** Whether its tokens are told after every step. */
  told: boolean;
}

/** What can be asked of the process. */
export interface NetworkTasks {
  /** ln p of tokens, and the most probable ones. @see TokenSession */
  score: { argument: { calls: TokenCall[]; top: number }; answer: ScoreAnswer[]; event: never };
  /** ln p of continuations; the requests of a question are its choices. @see scoreContinuations */
  likelihood: { argument: { requests: ScoreRequest[] }; answer: LikelihoodAnswer[]; event: never };
  draw: {
    argument: { setting: DrawSetting; rows: DrawRow[]; length: number };
    answer: { tokens: Int32Array; calls: number }[];
    /** Tokens of the told rows after a step, or before the first (0), by place in the batch. */
    event: { step: number; rows: ToldRow[] };
  };
}

/** Of a continuation, as ContinuationScore has it. */
export type LikelihoodAnswer = Omit<ContinuationScore, 'draws'>;

export interface ToldRow {
  row: number;
  /** [length] */
  tokens: Int32Array;
  /** So many tokens from the beginning will not change any more. */
  settled: number;
}

export type TaskName = keyof NetworkTasks;

/** About the positions of a call, in their order. */
export interface ScoreAnswer {
  logProbability: Float64Array;
  /** By rank. */
  top: { token: Int32Array; logProbability: Float64Array }[];
}

export type ToNetwork =
  | { kind: 'open'; model: NetworkModel }
  | { kind: 'ask'; id: number; task: TaskName; argument: unknown }
  /** The answer is not needed any more. */
  | { kind: 'drop'; id: number };

export type FromNetwork =
  | { kind: 'opened' }
  | { kind: 'event'; id: number; event: unknown }
  | { kind: 'answer'; id: number; answer: unknown }
  /** @property lost whether the process is of no further use; without an id it could not be opened */
  | { kind: 'failed'; id: number | null; failure: WrittenFailure; lost: boolean };

/** An error on its way through a message. */
export interface WrittenFailure {
  name: string;
  code: string;
  message: string;
  details: readonly string[];
  hint: string | null;
}

export function writtenFailure(error: unknown): WrittenFailure {
  if (error instanceof DuoEvalError)
    return { ...error, name: error.name, code: error.code, message: error.message };
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { name: 'Error', code: 'internal-error', message, details: [], hint: null };
}

const CLASSES = { UsageError, ModelError, DataError, NumericalError };

/** @returns an error of this program as it was; anything else as an Error */
export function readFailure({ name, hint, ...details }: WrittenFailure): Error {
  const Class = CLASSES[name as keyof typeof CLASSES];
  return Class ? new Class({ ...details, hint: hint ?? undefined }) : new Error(details.message);
}
