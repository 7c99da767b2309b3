/**
 * What runs of training and of distillation have in common: what is asked of them, whom they tell, the text they read, the
 * files of their folder, and the losses written down as they go.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packDataset } from '../datasets/pack-dataset.js';
import { type PackedStream, skippedRowsSaid } from '../datasets/packed-stream.js';
import { droppedNotice, wrappingNotice } from '../datasets/packing-notices.js';
import { type DatasetRequest, resolveDataset } from '../datasets/resolve-dataset.js';
import type { Tokenizer } from '../datasets/tokenizer.js';
import { UsageError } from '../errors.js';
import type { SavedCheckpoint } from '../models/save-checkpoint.js';
import { acquireLock } from '../storage/lock.js';
import { addRow, writeCurve } from './loss-tables.js';
import type { TrainingRun } from './train.js';

export interface RunRequest extends Omit<DatasetRequest, 'spec'> {
  /** As `--dataset` takes it; the second to validate on. */
  data: string;
  validation: string | null;
  /** In place of the tokenizer's own. */
  bosTokenId?: number;
  eosTokenId?: number;
  batch: number;
  learningRate: number;
  warmup: number;
  weightDecay: number;
  averageDecay: number;
  seed: number;
  out: string;
  saveEvery: number;
  validationSequences: number;
  /** How the checkpoint keeps its matrices; training itself is in float32. */
  dtype: 'float32' | 'float16';
  /** What repeats the run, as a shell reads it. */
  command: string;
  threads?: number;
}

export interface RunObserver {
  signal: AbortSignal;
  packing(dataset: string, done: number, total: number | null): void;
  /** What a person should know. */
  say?(text: string): void;
  /** A run that was saved before is taken up. @param step the last that was taken */
  resumed(step: number, steps: number): void;
}

export interface RunResult<Loss> extends SavedCheckpoint {
  steps: number;
  /** Mean over the last tenth of the steps. */
  loss: number;
  /** At the last save; null without held-out text. */
  validation: Loss | null;
  /** loss.csv and loss.html */
  curvePath: string;
  plotPath: string;
}

/** To which gradients are clipped. */
export const GREATEST_NORM = 1;

/** @throws DataError, FileError */
export async function packText(
  { textColumn, skipNull }: Omit<DatasetRequest, 'spec'>,
  spec: string,
  { tokenizer, length }: { tokenizer: Tokenizer; length: number },
  { signal, packing, say }: RunObserver,
): Promise<PackedStream> {
  const source = await resolveDataset({ spec, textColumn, skipNull });
  const onProgress = (done: number, total: number | null) => packing(source.name, done, total);
  const stream = await packDataset({ source, tokenizer, length, protocol: 'strict', signal, onProgress });
  for (const notice of [wrappingNotice(tokenizer, length), droppedNotice(stream), skippedRowsSaid(stream)])
    if (notice !== null) say?.(notice);
  return stream;
}

/** What the page of a run tells of its texts, and the command that repeats it. */
export interface RunTexts {
  text: { name: string; sequences: number; length: number; tokenizer: string };
  heldOut: { name: string; sequences: number } | null;
  /** As a shell reads it. */
  command: string;
}

/** @param tokenizer its path */
export function textsOfRun(
  { validationSequences, command }: RunRequest,
  { name, sequences, length }: PackedStream,
  heldOut: PackedStream | null,
  tokenizer: string,
): RunTexts {
  return {
    text: { name, sequences, length, tokenizer },
    heldOut: heldOut && {
      name: heldOut.name,
      sequences: Math.min(validationSequences, heldOut.sequences),
    },
    command,
  };
}

const stateOf = (folder: string): string => join(folder, 'training.state');

/**
 * What a run does in its folder, which is its own meanwhile, and can be written to before any step is taken.
 * @param checkpoint name of the file that it will write
 * @throws FileError `in-use`   @throws UsageError `not-of-this-run` where such a file is, and no run that it came from
 */
export async function inOwnFolder<T>(folder: string, checkpoint: string, work: () => Promise<T>): Promise<T> {
  const lock = acquireLock(stateOf(folder), `The run in ${folder}`, 'Give another --out.');
  try {
    const path = join(folder, checkpoint);
    if (existsSync(path) && !existsSync(stateOf(folder)))
      throw new UsageError({
        code: 'not-of-this-run',
        message: `There is a ${path} already, and no training.state beside it: no run here would go on from it, only overwrite it.`,
        hint: 'Give another --out, or move that checkpoint away.',
      });
    return await work();
  } finally {
    lock.release();
  }
}

/** Where and how a loop runs. @param steps of the whole run */
export const loopOf = (
  { out, saveEvery, threads }: RunRequest,
  steps: number,
  { signal, resumed }: RunObserver,
): Pick<TrainingRun, 'statePath' | 'saveEvery' | 'threads' | 'signal' | 'onResume'> => ({
  statePath: stateOf(out),
  saveEvery,
  threads,
  signal,
  onResume: (step) => resumed(step, steps),
});

/** What a page is drawn from, but for what it is of. */
export interface DrawnLosses {
  curve: Float32Array;
  /** Of validation.csv. */
  heldOutPath: string;
  /** Step whose loss ended the run. */
  divergedAt?: number;
}

/** loss.csv, loss.html and validation.csv in the folder of a run. Each throws FileError. */
export class LossFiles {
  readonly curvePath: string;
  readonly plotPath: string;
  private readonly heldOutPath: string;

  /** @param write draws loss.html */
  constructor(
    folder: string,
    private readonly write: (path: string, losses: DrawnLosses) => Promise<void>,
  ) {
    this.curvePath = join(folder, 'loss.csv');
    this.plotPath = join(folder, 'loss.html');
    this.heldOutPath = join(folder, 'validation.csv');
  }

  saveCurve(curve: Float32Array): Promise<void> {
    return writeCurve(this.curvePath, curve);
  }

  /** @param row of a save, by column */
  addHeldOut(row: { step: number; [column: string]: number }): Promise<void> {
    return addRow(this.heldOutPath, row);
  }

  draw(curve: Float32Array, divergedAt?: number): Promise<void> {
    return this.write(this.plotPath, { curve, heldOutPath: this.heldOutPath, divergedAt });
  }

  /** Before the error of a loss that diverges. */
  readonly diverged = async (divergedAt: number, curve: Float32Array): Promise<void> => {
    await this.saveCurve(curve);
    await this.draw(curve, divergedAt);
  };
}
