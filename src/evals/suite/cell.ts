/**
 * What a suite works on. Each kind of cells is declared in one file (kinds.ts lists them): its key in the suite's file, the cells
 * that this asks for, and how they are opened. An opened cell says under which key it is kept, what a plan shows of it, about
 * how long it takes, and how to run it. Running, planning, sharding and merging know no more than that.
 */
import type { z } from 'zod';
import type { Checkpoint } from '../../models/checkpoint.js';
import type { Placement } from '../../models/provider.js';
import type { Observer } from '../../observer.js';
import type { CacheKey } from '../../storage/cache-entry.js';
import type { WorkRange } from '../../storage/work-journal.js';
import type { Result } from '../registry.js';
import type { FetchSplit } from '../tasks/documents.js';
import type { SuiteDataset, SuiteModel } from './named-files.js';
import type { Paces } from './sampling-pace.js';

/** What all cells share: how models run. */
export interface SuiteSettings {
  provider: Placement;
  threads?: number;
  timeoutMs?: number;
  /** Ignores the kept results of earlier runs. */
  fresh: boolean;
  open(model: SuiteModel): Promise<Checkpoint>;
  /** Gets documents of tasks from the hub. */
  fetchSplit: FetchSplit;
}

/** A cell as the suite's file asks for it. */
export interface CellRequest {
  readonly eval: string;
  /** In the suite, from 0. */
  readonly index: number;
}

/** A cell of a suite, and what it would take. */
export interface PlannedCell {
  /** From 1. */
  cell: number;
  eval: string;
  /** Name of the model; the number of models where there are several. */
  model: string;
  /** The data set, or how texts are sampled. */
  dataset: string;
  /** Options of the sampler, where there is one. */
  samplerOptions?: Readonly<Record<string, unknown>>;
  seed: number | null;
  sequences: number;
  draws: number;
  /** An upper bound. */
  modelCalls: number;
  /** Model calls × tokens of a call × parameters of the model: how long it takes, beside others, on any machine. */
  weight: number;
  state: CellState;
  /** Estimated seconds; 0 for a kept cell, null where the pace is unknown. */
  seconds: number | null;
}

export type CellState = 'kept' | 'not needed' | 'to run';

/** Seconds; null where the pace is unknown. Asked once all cells were looked up, since a kept cell may give the pace of another. */
export type Estimate = () => Promise<number | null>;

/** A cell while what it needs is open. */
export interface Cell<R extends Result = Result> {
  readonly index: number;
  /** Everything that determines its results. Null: it is not needed, since it would say nothing new. */
  readonly key: CacheKey | null;
  /** Its entry in a plan. */
  plan(state: CellState): Omit<PlannedCell, 'cell' | 'eval' | 'seconds'>;
  /** Kept results are identified by their content; their names become those of this suite. */
  named(kept: R[]): R[] | Promise<R[]>;
  /** Learns from kept results how long its model takes. */
  learn(kept: readonly R[], paces: Paces): void;
  estimate(paces: Paces): Promise<Estimate>;
  /** Absent where a cell is one piece. */
  readonly parts?: CellParts;
  /** @param keep stores the results; until then, what would continue an interrupted run stays */
  run(keep: (results: R[]) => Promise<void>): Promise<void>;
}

/** How a cell is evaluated in ranges of its sequences, items or samples, by any number of processes. */
export interface CellParts {
  /** Ranges begin at multiples of this; by default anywhere. */
  readonly grain?: number;
  /** Evaluates a range and keeps what it found, for `run` to join. */
  run(range: WorkRange): Promise<void>;
  /** Of each range whether it is kept, so that `run` calls no model for it. */
  areKept(ranges: readonly WorkRange[]): boolean[] | Promise<boolean[]>;
}

/** The models and data sets of a suite, which all parts of its file share. */
export interface SuiteContext {
  models: readonly SuiteModel[];
  datasets: readonly SuiteDataset[];
  /** The folder of the suite's file. */
  folder: string;
  /** Index of the first cell. */
  first: number;
}

/** One kind of cells. `Asked` is its part of the suite's file. */
export interface CellKind<
  Asked = unknown,
  Request extends CellRequest = CellRequest,
  R extends Result = Result,
> {
  /** Key in the suite's file; `eval` of its cells. */
  readonly name: Request['eval'];
  readonly schema: z.ZodType<Asked>;
  /** Whether it reads the data sets of the suite. */
  readonly readsDatasets?: boolean;
  /** Whether results depend on its batch, as speeds do. */
  readonly dependsOnBatch?: boolean;
  /** Whether a cell always has one result; its kept file then holds that result, and not a list. */
  readonly hasOneResult?: boolean;
  /** In an order that depends on the file only. */
  requests(asked: Asked, context: SuiteContext): Request[];
  /** Every checkpoint that a cell opens, the judge among them. */
  checkpoints(request: Request): string[];
  /** The samplers that a cell names: names, or paths of modules. */
  samplers(request: Request): string[];
  /** Cells of one group are opened together; by default each is opened alone. */
  group?(request: Request): string;
  /** Looks at all cells that will run, before the first does. @throws UsageError */
  check?(requests: readonly Request[], suite: SuiteSettings): Promise<void>;
  /** Opens cells of one group, works, and closes them. */
  open<T>(
    requests: readonly Request[],
    suite: SuiteSettings,
    observer: Observer,
    work: (cells: readonly Cell<R>[]) => Promise<T>,
  ): Promise<T>;
}
