/**
 * What runs of training and of distillation share: the request, the observer, the text they read, the files in their folder,
 * and the losses they record.
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
import type { Observer } from '../observer.js';
import { acquireLock } from '../storage/lock.js';
import { addRow, writeCurve } from './loss-tables.js';
import type { TrainingRun } from './train.js';

export interface RunRequest extends Omit<DatasetRequest, 'spec'> {
  /** As `--dataset` takes it. */
  data: string;
  /** Text for validation, likewise. */
  validation: string | null;
  /** These replace the tokenizer's own. */
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
  /** Type of the checkpoint's matrices; training itself is in float32. */
  dtype: 'float32' | 'float16';
  /** Repeats the run, quoted for a shell. */
  command: string;
  threads?: number;
}

/** Of training and of distillation: `Step` is what is known of a step, `Loss` the held-out loss. */
export interface RunObserver<Step, Loss> extends Observer {
  /** A saved run is resumed. @param step its last step */
  resumed(step: number, steps: number): void;
  stepped(step: number, steps: number, result: Step): void;
  validated(step: number, loss: Loss): void;
  /** The signal stopped the run. @param step its last step, which is saved */
  stopped?(step: number): void;
}

export interface RunResult<Loss> extends SavedCheckpoint {
  steps: number;
  /** Mean over the last tenth of the steps. */
  loss: number;
  /** Held-out loss at the last save; null without held-out text. */
  validation: Loss | null;
  /** loss.csv and loss.html */
  curvePath: string;
  plotPath: string;
}

/** Gradients of a larger norm are clipped to it. */
export const GREATEST_NORM = 1;

/** @throws DataError, FileError */
export async function packText(
  { textColumn, skipNull }: Omit<DatasetRequest, 'spec'>,
  spec: string,
  { tokenizer, length }: { tokenizer: Tokenizer; length: number },
  { signal, progress, note }: Observer,
): Promise<PackedStream> {
  const source = await resolveDataset({ spec, textColumn, skipNull });
  const onProgress = (done: number, total: number | null) =>
    progress?.(`packing ${source.name}`, done, total);
  const stream = await packDataset({ source, tokenizer, length, protocol: 'strict', signal, onProgress });
  for (const notice of [wrappingNotice(tokenizer, length), droppedNotice(stream), skippedRowsSaid(stream)])
    if (notice !== null) note?.(notice);
  return stream;
}

/** A run's texts and the command that repeats it, for its page. */
export interface RunTexts {
  text: { name: string; sequences: number; length: number; tokenizer: string };
  heldOut: { name: string; sequences: number } | null;
  /** Quoted for a shell. */
  command: string;
}

/** @param tokenizer path */
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
 * Runs `work` with the folder locked for this run; that the folder can be written is checked first.
 * @param checkpoint name of the file that the run will write
 * @throws FileError `in-use`   @throws UsageError `not-of-this-run` if the file exists without the state of a run
 */
export async function inOwnFolder<T>(folder: string, checkpoint: string, work: () => Promise<T>): Promise<T> {
  const lock = acquireLock(stateOf(folder), `The run in ${folder}`, 'Give another --out.');
  try {
    const path = join(folder, checkpoint);
    if (existsSync(path) && !existsSync(stateOf(folder)))
      throw new UsageError({
        code: 'not-of-this-run',
        message: `${path} exists, but no training.state beside it: a run here would not resume it, only overwrite it.`,
        hint: 'Give another --out, or move that checkpoint away.',
      });
    return await work();
  } finally {
    lock.release();
  }
}

/** The options of a training loop. @param steps of the whole run */
export const loopOf = (
  { out, saveEvery, threads }: RunRequest,
  steps: number,
  { signal, resumed }: Pick<RunObserver<never, never>, 'signal' | 'resumed'>,
): Pick<TrainingRun, 'statePath' | 'saveEvery' | 'threads' | 'signal' | 'onResume'> => ({
  statePath: stateOf(out),
  saveEvery,
  threads,
  signal,
  onResume: (step) => resumed(step, steps),
});

/** The losses that a page draws. */
export interface DrawnLosses {
  curve: Float32Array;
  /** Path of validation.csv. */
  heldOutPath: string;
  /** Step whose loss ended the run. */
  divergedAt?: number;
}

/** loss.csv, loss.html and validation.csv in a run's folder. Each method throws FileError. */
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

  /** @param row for a save, by column */
  addHeldOut(row: { step: number; [column: string]: number }): Promise<void> {
    return addRow(this.heldOutPath, row);
  }

  draw(curve: Float32Array, divergedAt?: number): Promise<void> {
    return this.write(this.plotPath, { curve, heldOutPath: this.heldOutPath, divergedAt });
  }

  /** Records a diverging loss, before its error is thrown. */
  readonly diverged = async (divergedAt: number, curve: Float32Array): Promise<void> => {
    await this.saveCurve(curve);
    await this.draw(curve, divergedAt);
  };
}
