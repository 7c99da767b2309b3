/**
 * What `duo-eval distill` does: a checkpoint read and text packed, a run taken up or begun, and the student as a checkpoint at
 * its end. In the folder:
 *
 *     duo-dcd.onnx, duo-dcd.card.json   the checkpoint: the moving average of the student's weights
 *     training.state                    what it takes to go on (state-file.ts)
 *     loss.csv                          step, loss, gradient norm, of every step
 *     validation.csv                    step, KL, stderr, at every save
 */
import { basename, join } from 'node:path';
import { packDataset } from '../datasets/pack-dataset.js';
import type { PackedStream } from '../datasets/packed-stream.js';
import { resolveDataset } from '../datasets/resolve-dataset.js';
import { loadTokenizer, type Tokenizer } from '../datasets/tokenizer.js';
import { DataError, ModelError, UsageError } from '../errors.js';
import type { Card } from '../models/card.js';
import { type Checkpoint, openCheckpoint } from '../models/checkpoint.js';
import { fromCard } from '../models/importers/tokenizer-copy.js';
import type { SavedCheckpoint } from '../models/save-checkpoint.js';
import { type CheckpointWeights, ditWeights } from '../models/weights/checkpoint-weights.js';
import { defaultAdamW } from './adamw.js';
import { distill } from './distill.js';
import {
  type DistillationSettings,
  type Divergence,
  distillationSteps,
  gapOfRound,
  publishedLevels,
  roundOf,
} from './distillation-settings.js';
import { DistillationValidation, type HeldOutDivergence } from './distillation-validation.js';
import { addRow, lastLoss, writeCurve } from './loss-tables.js';
import type { SavedDistillation } from './state-file.js';
import { saveTrained } from './trained-checkpoint.js';
import type { StepResult } from './training-session.js';

export interface DistillationRequest {
  /** An ONNX file, or `hf:owner/name`. */
  model: string;
  /** As `--dataset` takes it; the second to validate on. */
  data: string;
  validation: string | null;
  textColumn?: string;
  /** The card's unless given. */
  tokenizer?: string;
  /** L; the checkpoint's unless given. */
  length?: number;
  rounds: number;
  stepsPerRound: number;
  batch: number;
  learningRate: number;
  warmup: number;
  weightDecay: number;
  averageDecay: number;
  nextTeacher: DistillationSettings['nextTeacher'];
  divergence: Divergence;
  seed: number;
  out: string;
  saveEvery: number;
  validationSequences: number;
  threads?: number;
}

export interface DistillationObserver {
  signal: AbortSignal;
  packing(dataset: string, done: number, total: number | null): void;
  /** @param round from 1 */
  stepped(step: number, steps: number, round: number, result: StepResult): void;
  validated(step: number, round: number, loss: HeldOutDivergence): void;
}

export interface DistilledModel extends SavedCheckpoint {
  steps: number;
  /** Mean over the last tenth of the steps. */
  loss: number;
  validation: HeldOutDivergence | null;
}

const NAME = 'duo-dcd.onnx';
const GREATEST_NORM = 1;

/** @throws ModelError, UsageError, DataError, NumericalError, FileError; InterruptedError after what was done is saved */
export async function runDistillation(
  request: DistillationRequest,
  observer: DistillationObserver,
): Promise<DistilledModel> {
  const checkpoint = await openCheckpoint(request.model);
  checkFamily(checkpoint);
  const source = ditWeights(checkpoint);
  const length = lengthOf(request, checkpoint, source);
  const { tokenizer, path: tokenizerPath } = await tokenizerOf(request, checkpoint);
  const packed = (spec: string) => packedText(request, spec, { tokenizer, length }, checkpoint, observer);
  const text = await packed(request.data);
  const heldOut = request.validation === null ? null : await packed(request.validation);
  const settings = await settingsOf({ ...request, length }, checkpoint, source, text);
  const steps = distillationSteps(settings);
  const at = (name: string) => join(request.out, name);
  const validation = heldOut
    ? await DistillationValidation.start(settings, heldOut, {
        sequences: request.validationSequences,
        threads: request.threads,
      })
    : null;
  try {
    let latest: HeldOutDivergence | null = null;
    const onSave = async (saved: SavedDistillation): Promise<void> => {
      await writeCurve(at('loss.csv'), saved.curve);
      if (!validation) return;
      latest = await validation.loss(saved);
      await addRow(at('validation.csv'), { step: saved.step, kl: latest.kl, stderr: latest.stderr });
      observer.validated(saved.step, roundOf(settings, saved.step) + 1, latest);
    };
    const outcome = await distill({
      settings,
      weights: source.weights,
      text,
      statePath: at('training.state'),
      saveEvery: request.saveEvery,
      threads: request.threads,
      signal: observer.signal,
      onStep: (step, result) => observer.stepped(step, steps, roundOf(settings, step) + 1, result),
      onSave,
    });
    if (!outcome.finished) throw observer.signal.reason;
    const card = cardOf(request, checkpoint, tokenizerPath, text.name);
    const saved = await saveTrained(at(NAME), settings, outcome.vectors.average, card);
    return { ...saved, steps, loss: lastLoss(outcome.curve), validation: latest };
  } finally {
    await validation?.close();
    text.close();
    heldOut?.close();
  }
}

function checkFamily({ name, family }: Checkpoint): void {
  if (family === 'duo') return;
  throw new ModelError({
    code: 'not-uniform-state',
    message: `${name} is of the family ${family}; consistency distillation is of uniform-state models, duo.`,
    hint: 'Give --model a duo checkpoint: the noise pairs come from its Gaussian.',
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
  { textColumn }: DistillationRequest,
  spec: string,
  { tokenizer, length }: { tokenizer: Tokenizer; length: number },
  { name, vocabSize }: Checkpoint,
  { signal, packing }: DistillationObserver,
): Promise<PackedStream> {
  const source = await resolveDataset({ spec, textColumn });
  const onProgress = (done: number, total: number | null) => packing(source.name, done, total);
  const stream = await packDataset({ source, tokenizer, length, protocol: 'strict', signal, onProgress });
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
  checkpoint: Checkpoint,
  { dimensions }: CheckpointWeights,
  text: PackedStream,
): Promise<DistillationSettings> {
  const { batch, length, divergence, rounds, stepsPerRound, nextTeacher, seed, averageDecay } = request;
  return {
    problem: { family: 'duo', dimensions, maskTokenId: null, batch, length },
    model: await checkpoint.sha256(),
    text: text.sha256,
    schedule: checkpoint.fields.schedule.value!,
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

function cardOf(request: DistillationRequest, { fields }: Checkpoint, tokenizer: string, text: string): Card {
  const { rounds, stepsPerRound, batch, seed, divergence, model, out } = request;
  const known = fields.trainedOn.value;
  const gaps = `gaps from ${fraction(0)} to ${fraction(rounds - 1)}`;
  return {
    tokenizer: fromCard(tokenizer, join(out, NAME)),
    ...(fields.bosTokenId.value !== null && { bosTokenId: fields.bosTokenId.value }),
    ...(fields.eosTokenId.value !== null && { eosTokenId: fields.eosTokenId.value }),
    trainedOn: known === null || known === text ? text : `${known}; distilled on ${text}`,
    distilled: true,
    note: `Discrete consistency distillation of ${basename(model)}: ${rounds} rounds of ${stepsPerRound} steps of ${batch} sequences, ${gaps}, KL ${divergence}, seed ${seed}.`,
  };
}

/** A round's gap, as 1/512. */
const fraction = (round: number): string => {
  const parts = 1 / gapOfRound(round);
  return parts === 1 ? '1' : `1/${parts}`;
};
