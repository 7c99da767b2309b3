/**
 * The record of a run: what `--json` prints and what `--out results.json` holds. It is versioned: a reader accepts keys
 * it does not know and refuses another `schemaVersion`. Unknown is null, never 0. Names of files are as the user gave
 * them; no host, user or token is recorded. The zod schema that reads it back is schema.ts.
 */
import type { GenerativeResult } from '../evals/generation/record.js';
import type { BenchResult, FrontierResult } from '../evals/throughput/record.js';
import type { SequencesRecord } from './sequences-record.js';

export const SCHEMA_VERSION = 1;

/** What an error over text rests on. Absent from files of protocol version 1, which took sequences as independent. */
export interface TextSampling {
  /** What is sampled: documents, or blocks of consecutive sequences where documents are unknown, short or few. */
  unit?: 'document' | 'block';
  /** How many there are; with fewer than 3 there is no interval. */
  units?: number;
  /** Equal ones that would tell as much; one less are the degrees of freedom of Student's t. */
  effectiveUnits?: number;
  /** Sequences a block; null for documents. */
  blockLength?: number | null;
  /** Variance over what it would be were sequences independent; null without an interval. */
  designEffect?: number | null;
}

/** An estimate and its two errors. */
export interface Figure extends TextSampling {
  value: number | null;
  /** Over units of text: how the figure would vary on other text of the kind. */
  stderr: number | null;
  /** 95% interval over units (Student's t); for perplexity computed on nll and exponentiated. */
  ci95: [number, number] | null;
  /** Over draws, on this text: standard error from at least 4 independent randomisations; 0 where the loss is exact. */
  mcStderr: number | null;
}

export interface ModelRecord {
  /** `--model name=path`, else the file's name. */
  name: string;
  /** ar, mdlm, sedd, duo or d3pm. */
  family: string;
  /** Of the ONNX file. */
  sha256: string | null;
  /** As given. */
  path: string | null;
  /** What its card says it was trained on. */
  trainedOn?: string | null;
}

export interface DatasetRecord {
  name: string;
  /** validation, test, evaluation …; null for a file of the user's. */
  split: string | null;
  /** Of the packed stream, int32 little-endian: equal hashes mean equal evaluation text. */
  sha256: string | null;
  /** Of the source files, before tokenizing. */
  sourceSha256: string | null;
  /** Documents read. */
  texts: number | null;
  /** Tokens of the whole stream before cutting. */
  tokens: number | null;
  /** Packed sequences of the whole stream; `cost.sequences` says how many were evaluated. */
  sequences: number | null;
  /** Tokens that packing left over. */
  droppedTokens?: number | null;
  /** Characters that the tokenizer has no token for: the figures are of the text without them. */
  droppedCharacters?: number | null;
  /** `--skip-null`: rows without text that were passed over. Absent in records of older versions. */
  skippedRows?: number | null;
  /** `--limit` or `--first`: only so many sequences were evaluated. */
  limit?: number | null;
  /** Which: spread evenly over the data set, or the first, which are no random sample. Null where all were; absent from
   *  files of protocol version 1, where a limit meant the first. */
  selection?: 'spread' | 'first' | null;
}

export interface ProtocolRecord {
  /** duo or strict. */
  name: string;
  /** Raised when the same name would give another figure. */
  version: number;
  /** Positions a sequence, BOS and EOS included. */
  length: number;
  tokenizerSha256: string | null;
  /** What sequences were wrapped in; null where they were not. Absent in records of older versions. */
  bosTokenId?: number | null;
  eosTokenId?: number | null;
  /** Times over which the loss is averaged; null where there is no time (ar). */
  timeRange: [number, number] | null;
  /** Draws of (t, z) a sequence. */
  draws: number | null;
  /** exact, monte-carlo, control-variate … */
  estimator: string;
  seed: number | null;
  /** What the integral leaves out, in words. */
  integration?: string | null;
  /** Independent randomisations of the times behind `mcStderr`. */
  randomizations?: number | null;
  /** Degrees of freedom of `mcStderr`; null where nothing is drawn. Absent from files of version 1. */
  mcDegreesOfFreedom?: number | null;
  /** `--until`: stopped when t · mcStderr of nll was at most this, t Student's. */
  until?: number | null;
}

export interface CostRecord {
  /** Sequences evaluated. */
  sequences: number;
  /** Scored tokens. */
  tokens: number;
  /** One sequence through the network once is one call. */
  modelCalls: number;
  /** Of the evaluation, start-up excluded. */
  wallSeconds: number | null;
  /** Scored tokens a second of wall time. */
  tokensPerSecond: number | null;
}

export interface EnvironmentRecord {
  /** duo-eval/version. */
  tool: string;
  node: string;
  onnxruntime: string | null;
  /** The execution provider that really ran. */
  provider: string | null;
  threads: number | null;
  /** Processor model. */
  cpu: string | null;
  /** Sequences a model call; changes no figure. */
  batch?: number | null;
}

/** One model on one data set. */
export interface PerplexityResult {
  eval: 'ppl';
  model: ModelRecord;
  dataset: DatasetRecord;
  protocol: ProtocolRecord;
  metrics: {
    /** exp(nll). */
    ppl: Figure;
    /** Σ loss / Σ scored tokens, nats a token. */
    nll: Figure;
    /** Total nats / ln 2 / UTF-8 bytes of the decoded text. */
    bitsPerByte: Figure;
  };
  cost: CostRecord;
  environment: EnvironmentRecord;
  /** `--by-sequence`: what pairing with another run needs. */
  sequences?: SequencesRecord;
}

/** Two models on the same packed stream, sequence by sequence. */
export interface Comparison extends TextSampling {
  /** Model names. */
  a: string;
  b: string;
  dataset: string;
  /** Nats a text token, a minus b: negative when a predicts better. */
  deltaNll: number | null;
  stderr: number | null;
  ci95: [number, number] | null;
  /** The 95% interval excludes 0; null where there is no interval. */
  significant: boolean | null;
}

/** Of any evaluation; `eval` tells which. */
export type Result = PerplexityResult | GenerativeResult | BenchResult | FrontierResult;

export interface ResultsFile<R extends Result = Result> {
  schemaVersion: typeof SCHEMA_VERSION;
  results: R[];
  comparisons: Comparison[];
}

export function resultsFile<R extends Result>(results: R[], comparisons: Comparison[] = []): ResultsFile<R> {
  return { schemaVersion: SCHEMA_VERSION, results, comparisons };
}

/** The results of one evaluation, in their order. */
export function resultsOf<E extends Result['eval']>(
  { results }: ResultsFile,
  evaluation: E,
): Extract<Result, { eval: E }>[] {
  return results.filter((result): result is Extract<Result, { eval: E }> => result.eval === evaluation);
}
