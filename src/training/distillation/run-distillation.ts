/**
 * `duo-eval distill`: reads a checkpoint, packs the text, starts or resumes a run, and records its loss. The folder holds, as of
 * the last save:
 *
 *     duo-dcd.onnx, duo-dcd.card.json   the checkpoint: the moving average of the student's weights
 *     training.state                    what is needed to resume (state-file.ts)
 *     loss.csv                          step, loss and gradient norm of every step
 *     loss.html                         the same as plots, with the settings and the command
 *     validation.csv                    step, kl and stderr at every save
 */

import { basename, join } from 'node:path';
import type { PackedStream } from '../../datasets/packed-stream.js';
import { loadTokenizer, type Tokenizer } from '../../datasets/tokenizer.js';
import { DataError, ModelError, UsageError } from '../../errors.js';
import type { Card } from '../../models/card.js';
import { type Checkpoint, openCheckpoint } from '../../models/checkpoint.js';
import { fromCard } from '../../models/importers/tokenizer-copy.js';
import type { SavedCheckpoint } from '../../models/save-checkpoint.js';
import { type CheckpointWeights, ditWeights } from '../../models/weights/checkpoint-weights.js';
import type { Observer } from '../../observer.js';
import { lastLoss } from '../loss-tables.js';
import { defaultAdamW } from '../optimizer.js';
import { saveTrained } from '../trained-checkpoint.js';
import {
  GREATEST_NORM,
  inOwnFolder,
  LossFiles,
  loopOf,
  packText,
  type RunObserver,
  type RunRequest,
  type RunResult,
  textsOfRun,
} from '../training-run.js';
import type { StepResult } from '../training-state.js';
import { distill, type SavedDistillation } from './distill.js';
import { type DistillationDescription, writeDistillationPage } from './distillation-page.js';
import {
  type DistillationSettings,
  type Divergence,
  distillationSteps,
  gapName,
  publishedLevels,
  roundOf,
} from './settings.js';
import { DistillationValidation, type HeldOutDivergence } from './validation.js';

export interface DistillationRequest extends RunRequest {
  /** An ONNX file, or `hf:owner/name`. */
  model: string;
  /** Default: the card's. */
  tokenizer?: string;
  /** L; default: the checkpoint's. */
  length?: number;
  rounds: number;
  stepsPerRound: number;
  nextTeacher: DistillationSettings['nextTeacher'];
  divergence: Divergence;
}

/** What is told of a step, with its round, from 1. */
type OfRound<T> = T & { round: number };

export type DistillationObserver = RunObserver<OfRound<StepResult>, OfRound<HeldOutDivergence>>;

export type DistilledModel = RunResult<HeldOutDivergence>;

const NAME = 'duo-dcd.onnx';

/** @throws ModelError, UsageError, DataError, NumericalError, FileError; InterruptedError after the steps so far are saved */
export function runDistillation(
  request: DistillationRequest,
  observer: DistillationObserver,
): Promise<DistilledModel> {
  return inOwnFolder(request.out, NAME, () => distil(request, observer));
}

async function distil(request: DistillationRequest, observer: DistillationObserver): Promise<DistilledModel> {
  const { bosTokenId, eosTokenId } = request;
  const checkpoint = await openCheckpoint(request.model, { bosTokenId, eosTokenId });
  checkFamily(checkpoint);
  const source = ditWeights(checkpoint);
  const length = lengthOf(request, checkpoint, source);
  const { tokenizer, path: tokenizerPath } = await tokenizerOf(request, checkpoint);
  const packed = (spec: string) => packedText(request, spec, { tokenizer, length }, checkpoint, observer);
  const text = await packed(request.data);
  const heldOut = request.validation === null ? null : await packed(request.validation);
  const settings = await settingsOf({ ...request, length }, checkpoint, source, text);
  const steps = distillationSteps(settings);
  const validation = heldOut
    ? await DistillationValidation.start(settings, heldOut, {
        sequences: request.validationSequences,
        threads: request.threads,
      })
    : null;
  const description: DistillationDescription = {
    settings,
    source: checkpoint.name,
    parameters: source.weights.length,
    ...textsOfRun(request, text, heldOut, tokenizerPath),
  };
  const losses = new LossFiles(request.out, (path, drawn) => writeDistillationPage(path, description, drawn));
  try {
    let latest: HeldOutDivergence | null = null;
    let written: SavedCheckpoint | null = null;
    const onSave = async (saved: SavedDistillation): Promise<void> => {
      const { step, curve, vectors } = saved;
      const card = cardOf(request, checkpoint, tokenizerPath, text.name, step);
      written = await saveTrained(join(request.out, NAME), settings, vectors.average, card, request.dtype);
      await losses.saveCurve(curve);
      if (validation) {
        latest = await validation.loss(saved);
        await losses.addHeldOut({ step, kl: latest.kl, stderr: latest.stderr });
        observer.validated(step, { ...latest, round: roundOf(settings, step) + 1 });
      }
      await losses.draw(curve);
    };
    const outcome = await distill({
      ...loopOf(request, steps, observer),
      settings,
      weights: source.weights,
      text,
      onStep: (step, result) =>
        observer.stepped(step, steps, { ...result, round: roundOf(settings, step) + 1 }),
      onSave,
      onDivergence: losses.diverged,
    });
    if (!outcome.finished) throw observer.signal?.reason;
    const { curvePath, plotPath } = losses;
    // The last step is always saved, so `written` is set.
    return { ...written!, steps, loss: lastLoss(outcome.curve), validation: latest, curvePath, plotPath };
  } finally {
    await validation?.close();
    text.close();
    heldOut?.close();
  }
}

type UniformStateCheckpoint = Checkpoint & { family: 'duo' };

function checkFamily(checkpoint: Checkpoint): asserts checkpoint is UniformStateCheckpoint {
  const { name, family } = checkpoint;
  if (family === 'duo') return;
  throw new ModelError({
    code: 'not-uniform-state',
    message: `${name} is of the family ${family}; consistency distillation takes uniform-state models, duo.`,
    hint: 'Give --model a duo checkpoint: its Gaussian process makes the noise pairs.',
  });
}

function lengthOf({ length }: DistillationRequest, { name }: Checkpoint, source: CheckpointWeights): number {
  const most = source.dimensions.length;
  if (length === undefined || length <= most) return length ?? most;
  throw new UsageError({
    code: 'length-beyond-model',
    message: `--length ${length} is more than the ${most} tokens that ${name} takes.`,
    hint: `Give --length ${most} or less, or leave it out.`,
  });
}

async function tokenizerOf(
  { tokenizer: given }: DistillationRequest,
  { name, fields }: Checkpoint,
): Promise<{ tokenizer: Tokenizer; path: string }> {
  const path = given ?? fields.tokenizer.value;
  if (path === null) {
    throw new ModelError({
      code: 'no-tokenizer',
      message: `Nothing says which tokenizer ${name} was trained with.`,
      hint: 'Give --tokenizer (a folder or a tokenizer.json), or "tokenizer" in its card.',
    });
  }
  const tokenizer = await loadTokenizer(path, {
    bosTokenId: fields.bosTokenId.value ?? undefined,
    eosTokenId: fields.eosTokenId.value ?? undefined,
  });
  return { tokenizer, path };
}

async function packedText(
  request: DistillationRequest,
  spec: string,
  reading: { tokenizer: Tokenizer; length: number },
  { name, vocabSize }: Checkpoint,
  observer: Observer,
): Promise<PackedStream> {
  const stream = await packText(request, spec, reading, observer);
  if (stream.maxTokenId < vocabSize) return stream;
  stream.close();
  throw new DataError({
    code: 'token-outside-vocabulary',
    message: `The data hold the token ${stream.maxTokenId}; ${name} knows ${vocabSize} tokens, 0 to ${vocabSize - 1}.`,
    hint: 'The tokenizer is not the one the model was trained with: give --tokenizer.',
  });
}

async function settingsOf(
  request: DistillationRequest & { length: number },
  checkpoint: UniformStateCheckpoint,
  { dimensions }: CheckpointWeights,
  text: PackedStream,
): Promise<DistillationSettings> {
  const { batch, length, divergence, rounds, stepsPerRound, nextTeacher, seed, averageDecay } = request;
  return {
    problem: { family: 'duo', dimensions, maskTokenId: null, batch, length },
    model: await checkpoint.sha256(),
    text: text.sha256,
    schedule: checkpoint.schedule,
    timeConditioning: checkpoint.fields.timeConditioning.value,
    divergence,
    rounds,
    stepsPerRound,
    nextTeacher,
    ...publishedLevels,
    seed,
    learningRate: { highest: request.learningRate, warmup: request.warmup },
    adamW: { ...defaultAdamW, weightDecay: request.weightDecay },
    greatestNorm: GREATEST_NORM,
    averageDecay,
  };
}

function cardOf(
  request: DistillationRequest,
  { fields }: Checkpoint,
  tokenizer: string,
  text: string,
  step: number,
): Card {
  const { rounds, stepsPerRound, batch, seed, divergence, model, out } = request;
  const known = fields.trainedOn.value;
  const done = rounds * stepsPerRound;
  const how = `${rounds} rounds of ${stepsPerRound} steps of ${batch} sequences, gaps from ${gapName(0)} to ${gapName(rounds - 1)}, KL ${divergence}, seed ${seed}`;
  const part = step < done ? ` The first ${step} of ${done} steps.` : '';
  return {
    tokenizer: fromCard(tokenizer, join(out, NAME)),
    ...(fields.bosTokenId.value !== null && { bosTokenId: fields.bosTokenId.value }),
    ...(fields.eosTokenId.value !== null && { eosTokenId: fields.eosTokenId.value }),
    trainedOn: known === null || known === text ? text : `${known}; distilled on ${text}`,
    distilled: true,
    note: `Discrete consistency distillation of ${basename(model)}: ${how}.${part}`,
  };
}
