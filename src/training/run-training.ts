/**
 * What `duo-eval train` does: text packed, a run taken up or begun, its loss and that of held-out text written down as it
 * goes. In the folder, all of the last save:
 *
 *     <family>.onnx, <family>.card.json   the checkpoint: the moving average of the weights
 *     training.state                      what it takes to go on (state-file.ts)
 *     loss.csv                            step, loss, gradient norm, of every step
 *     loss.html                           the same drawn, with settings and the command
 *     validation.csv                      step, nelbo, stderr, at every save
 */
import { isAbsolute, join, relative, sep } from 'node:path';
import { packDataset } from '../datasets/pack-dataset.js';
import type { PackedStream } from '../datasets/packed-stream.js';
import { resolveDataset } from '../datasets/resolve-dataset.js';
import { loadTokenizer, type Tokenizer } from '../datasets/tokenizer.js';
import { UsageError } from '../errors.js';
import { type Dimensions, dimensionProblem, SIZES, type Size } from '../models/architectures/dimensions.js';
import { elementCount, networkParameters } from '../models/architectures/parameters.js';
import type { Card } from '../models/card.js';
import { conditionsOnTimeByDefault, isMasked } from '../models/family.js';
import type { SavedCheckpoint } from '../models/save-checkpoint.js';
import { defaultAdamW } from './adamw.js';
import { type CurriculumOptions, publishedCurriculum } from './curriculum.js';
import { type RunDescription, writeLossPage } from './loss-page.js';
import { addRow, lastLoss, surelyAbove, writeCurve } from './loss-tables.js';
import type { TrainingSettings } from './settings.js';
import type { SavedTraining } from './state-file.js';
import { train } from './train.js';
import { saveTrained } from './trained-checkpoint.js';
import type { StepResult } from './training-session.js';
import { Validation, type ValidationLoss } from './validation.js';

export const TRAINED_FAMILIES = ['ar', 'mdlm', 'sedd', 'duo'] as const;

export interface TrainingRequest {
  family: (typeof TRAINED_FAMILIES)[number];
  /** As `--dataset` takes it; the second to validate on. */
  data: string;
  validation: string | null;
  textColumn?: string;
  tokenizer: string;
  size: keyof typeof SIZES;
  /** What differs from the published size. */
  changes: Partial<Size>;
  /** L: tokens of a sequence. */
  length: number;
  steps: number;
  batch: number;
  learningRate: number;
  warmup: number;
  weightDecay: number;
  averageDecay: number;
  seed: number;
  /** 0 for none. */
  curriculumSteps: number;
  /** τ, and how many entries of the softmax the network sees. */
  curriculumTemperature: number;
  curriculumKept: number;
  out: string;
  saveEvery: number;
  validationSequences: number;
  /** How the checkpoint keeps its matrices; training itself is in float32. */
  dtype: 'float32' | 'float16';
  /** What repeats the run, as a shell reads it. */
  command: string;
  threads?: number;
}

export interface TrainingObserver {
  signal: AbortSignal;
  packing(dataset: string, done: number, total: number | null): void;
  /** A run that was saved before is taken up. @param step the last that was taken */
  resumed(step: number, steps: number): void;
  /** By the signal. @param step the last that was taken, and saved */
  stopped(step: number): void;
  stepped(step: number, steps: number, result: StepResult): void;
  validated(step: number, loss: ValidationLoss): void;
}

export interface TrainedModel extends SavedCheckpoint {
  steps: number;
  /** Mean over the last tenth of the steps. */
  loss: number;
  /** What the loss is when nothing is known: ln K. */
  ignorance: number;
  /** Whether the last losses are not surely above that. */
  learned: boolean;
  validation: ValidationLoss | null;
  /** loss.csv and loss.html */
  curvePath: string;
  plotPath: string;
}

/** Where the learning rate ends, as a share of the highest. */
const FINAL_RATE = 0.1;
const GREATEST_NORM = 1;

/** @throws UsageError, DataError, NumericalError, FileError; InterruptedError after what was done is saved */
export async function runTraining(
  request: TrainingRequest,
  observer: TrainingObserver,
): Promise<TrainedModel> {
  const tokenizer = await loadTokenizer(request.tokenizer);
  const dimensions = dimensionsOf(request, tokenizer);
  const text = await packed(request, request.data, tokenizer, observer);
  const heldOut = request.validation ? await packed(request, request.validation, tokenizer, observer) : null;
  const settings = settingsOf(request, dimensions, text);
  const at = (name: string) => join(request.out, name);
  const validation = heldOut
    ? await Validation.start(settings, heldOut, {
        sequences: request.validationSequences,
        threads: request.threads,
      })
    : null;
  const { dtype, out } = request;
  const paths = { curve: at('loss.csv'), plot: at('loss.html'), heldOut: at('validation.csv') };
  const description = describe(request, settings, text, validation && heldOut);
  try {
    let latest: ValidationLoss | null = null;
    let saved: SavedCheckpoint | null = null;
    const onSave = async ({ step, vectors, curve }: SavedTraining): Promise<void> => {
      const card: Card = {
        tokenizer: fromFolder(request.tokenizer, out),
        trainedOn: text.name,
        note: `${step} steps of ${request.batch} sequences, seed ${request.seed}.`,
      };
      saved = await saveTrained(at(`${request.family}.onnx`), settings, vectors.average, card, dtype);
      await writeCurve(paths.curve, curve);
      if (validation) {
        latest = await validation.loss(vectors.average);
        await addRow(paths.heldOut, { step, nelbo: latest.nelbo, stderr: latest.stderr });
        observer.validated(step, latest);
      }
      await writeLossPage(paths.plot, { description, curve, heldOutPath: paths.heldOut });
    };
    const outcome = await train({
      settings,
      text,
      statePath: at('training.state'),
      saveEvery: request.saveEvery,
      threads: request.threads,
      signal: observer.signal,
      onResume: (step) => observer.resumed(step, settings.steps),
      onStep: (step, result) => observer.stepped(step, settings.steps, result),
      onSave,
      onDivergence: async (divergedAt, curve) => {
        await writeCurve(paths.curve, curve);
        await writeLossPage(paths.plot, { description, curve, heldOutPath: paths.heldOut, divergedAt });
      },
    });
    const ignorance = Math.log(dimensions.vocabSize);
    if (!outcome.finished) {
      observer.stopped(outcome.step);
      throw observer.signal.reason;
    }
    return {
      ...saved!, // the last step is saved
      steps: outcome.step,
      loss: lastLoss(outcome.curve),
      ignorance,
      learned: !surelyAbove(outcome.curve, ignorance),
      validation: latest,
      curvePath: paths.curve,
      plotPath: paths.plot,
    };
  } finally {
    await validation?.close();
    text.close();
    heldOut?.close();
  }
}

function describe(
  { tokenizer, command, validationSequences }: TrainingRequest,
  settings: TrainingSettings,
  text: PackedStream,
  heldOut: PackedStream | null,
): RunDescription {
  const { family, dimensions } = settings.problem;
  const parameters = networkParameters(dimensions, { adaLN: family !== 'ar' });
  const { name, sequences, length } = text;
  return {
    settings,
    parameters: parameters.reduce((sum, parameter) => sum + elementCount(parameter), 0),
    text: { name, sequences, length, tokenizer },
    heldOut: heldOut && {
      name: heldOut.name,
      sequences: Math.min(validationSequences, heldOut.sequences),
    },
    command,
  };
}

async function packed(
  { length, textColumn }: TrainingRequest,
  spec: string,
  tokenizer: Tokenizer,
  { signal, packing }: TrainingObserver,
): Promise<PackedStream> {
  const source = await resolveDataset({ spec, textColumn });
  const onProgress = (done: number, total: number | null) => packing(source.name, done, total);
  return packDataset({ source, tokenizer, length, protocol: 'strict', signal, onProgress });
}

/** Masked families have one token more than the tokenizer: the mask. */
function dimensionsOf({ family, size, changes, length }: TrainingRequest, tokenizer: Tokenizer): Dimensions {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const vocabSize = tokenizer.vocabSize + (isMasked(family) ? 1 : 0);
  const dimensions = { ...SIZES[size], ...given, vocabSize, length };
  const problem = dimensionProblem(dimensions);
  if (problem) throw new UsageError(problem);
  return dimensions;
}

function settingsOf(request: TrainingRequest, dimensions: Dimensions, text: PackedStream): TrainingSettings {
  const { family, length, batch } = request;
  return {
    problem: {
      family,
      dimensions,
      maskTokenId: isMasked(family) ? dimensions.vocabSize - 1 : null,
      batch,
      length: family === 'ar' ? length - 1 : length,
    },
    schedule: { type: 'log-linear', eps: 1e-3 },
    timeConditioning: conditionsOnTimeByDefault(family),
    seed: request.seed,
    steps: request.steps,
    learningRate: { highest: request.learningRate, warmup: request.warmup, final: FINAL_RATE },
    adamW: { ...defaultAdamW, weightDecay: request.weightDecay },
    greatestNorm: GREATEST_NORM,
    averageDecay: request.averageDecay,
    curriculum: family === 'duo' && request.curriculumSteps > 0 ? curriculumOf(request) : null,
    text: text.sha256,
  };
}

function curriculumOf(request: TrainingRequest): CurriculumOptions {
  const logTemperature = Math.log10(request.curriculumTemperature);
  return {
    ...publishedCurriculum,
    steps: request.curriculumSteps,
    firstLogTemperature: logTemperature,
    lastLogTemperature: logTemperature,
    kept: request.curriculumKept,
  };
}

/** A path as the card in a folder gives it. */
function fromFolder(path: string, folder: string): string {
  if (isAbsolute(path)) return path;
  return (relative(folder, path) || '.').split(sep).join('/');
}
