/**
 * `duo-eval train`: packs the text, starts or resumes a run, and records its loss and that of held-out text. The folder holds,
 * as of the last save:
 *
 *     <family>.onnx, <family>.card.json   the checkpoint: the moving average of the weights
 *     training.state                      what is needed to resume (state-file.ts)
 *     loss.csv                            step, loss and gradient norm of every step
 *     loss.html                           the same as plots, with the settings and the command
 *     validation.csv                      step, nelbo and stderr at every save
 */
import { isAbsolute, join, relative, sep } from 'node:path';
import type { PackedStream } from '../datasets/packed-stream.js';
import { loadTokenizer, type Tokenizer } from '../datasets/tokenizer.js';
import { UsageError } from '../errors.js';
import { type Dimensions, dimensionProblem, SIZES, type Size } from '../models/architectures/dimensions.js';
import { elementCount } from '../models/architectures/parameters.js';
import type { Card } from '../models/card.js';
import { isInBlocks, isInSteps, isMixed, readsNoiseLevel, usesMask } from '../models/family.js';
import { usualSchedule } from '../models/fields.js';
import type { SavedCheckpoint } from '../models/save-checkpoint.js';
import { type CurriculumOptions, publishedCurriculum } from './curriculum.js';
import { type InitialNetwork, initialNetwork } from './initial-network.js';
import { type RunDescription, writeLossPage } from './loss-page.js';
import { lastLoss, surelyAbove } from './loss-tables.js';
import { parametersOf } from './objective.js';
import { defaultAdamW } from './optimizer.js';
import type { TrainingSettings } from './settings.js';
import type { SavedTraining } from './state-file.js';
import { train } from './train.js';
import { saveTrained, trainingNote } from './trained-checkpoint.js';
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
} from './training-run.js';
import type { StepResult } from './training-state.js';
import { Validation, type ValidationLoss } from './validation.js';

const TRAINED_FAMILIES = ['ar', 'mdlm', 'sedd', 'bd3lm', 'duo', 'd3pm', 'gidd'] as const;

export interface TrainingRequest extends RunRequest {
  family: (typeof TRAINED_FAMILIES)[number];
  tokenizer: string;
  size: keyof typeof SIZES;
  /** Differences from the published size. */
  changes: Partial<Size>;
  /** L, tokens per sequence. */
  length: number;
  /** L′, tokens per block, for bd3lm alone. */
  blockSize?: number;
  /** T of discrete time, for d3pm alone; the reference's by default. */
  diffusionSteps?: number;
  /** p of uniform noise, for gidd alone. */
  uniformShare?: number;
  steps: number;
  /** The checkpoint whose network and weights the run starts from, instead of a network of the size and random weights. */
  init?: string;
  /** With it: the logits of a token are read from the row before it. */
  shift: boolean;
  /** 0 for none. */
  curriculumSteps: number;
  /** τ, and how many entries of the softmax the network sees. */
  curriculumTemperature: number;
  curriculumKept: number;
}

export type TrainingObserver = RunObserver<StepResult, ValidationLoss>;

export interface TrainedModel extends RunResult<ValidationLoss> {
  /** Loss of a uniform guess: ln K. */
  ignorance: number;
  /** False if the last losses are significantly above that. */
  learned: boolean;
}

/** The last learning rate, as a share of the highest. */
const FINAL_RATE = 0.1;

/** @throws UsageError, DataError, NumericalError, FileError; InterruptedError after what was done is saved */
export function runTraining(request: TrainingRequest, observer: TrainingObserver): Promise<TrainedModel> {
  return inOwnFolder(request.out, nameOf(request), () => trainInFolder(request, observer));
}

const nameOf = ({ family }: TrainingRequest): string => `${family}.onnx`;

async function trainInFolder(request: TrainingRequest, observer: TrainingObserver): Promise<TrainedModel> {
  const { bosTokenId, eosTokenId } = request;
  const tokenizer = await loadTokenizer(request.tokenizer, { bosTokenId, eosTokenId });
  const start = request.init === undefined ? null : await initialNetwork({ ...request, init: request.init });
  const dimensions = start ? startingDimensions(request, start) : dimensionsOf(request, tokenizer);
  const packed = (spec: string) => packText(request, spec, { tokenizer, length: request.length }, observer);
  const text = await packed(request.data);
  const heldOut = request.validation ? await packed(request.validation) : null;
  const settings = settingsOf(request, dimensions, text, start);
  const validation = heldOut
    ? await Validation.start(settings, heldOut, {
        sequences: request.validationSequences,
        threads: request.threads,
      })
    : null;
  const { dtype, out } = request;
  const description: RunDescription = {
    settings,
    parameters: parametersOf(settings.problem).reduce((sum, parameter) => sum + elementCount(parameter), 0),
    ...textsOfRun(request, text, heldOut, request.tokenizer),
  };
  const losses = new LossFiles(out, (path, drawn) => writeLossPage(path, description, drawn));
  try {
    let latest: ValidationLoss | null = null;
    let saved: SavedCheckpoint | null = null;
    const onSave = async ({ step, vectors, curve }: SavedTraining): Promise<void> => {
      const card: Card = {
        tokenizer: fromFolder(request.tokenizer, out),
        ...(bosTokenId !== undefined && { bosTokenId }),
        ...(eosTokenId !== undefined && { eosTokenId }),
        trainedOn: text.name,
        note: trainingNote(step, settings),
      };
      const path = join(out, nameOf(request));
      saved = await saveTrained(path, settings, vectors.average, card, dtype);
      await losses.saveCurve(curve);
      if (validation) {
        latest = await validation.loss(vectors.average);
        await losses.addHeldOut({ step, nelbo: latest.nelbo, stderr: latest.stderr });
        observer.validated(step, latest);
      }
      await losses.draw(curve);
    };
    const outcome = await train({
      ...loopOf(request, settings.steps, observer),
      settings,
      text,
      initial: start?.weights,
      onStep: (step, result) => observer.stepped(step, settings.steps, result),
      onSave,
      onDivergence: losses.diverged,
    });
    const ignorance = Math.log(dimensions.vocabSize);
    if (!outcome.finished) {
      observer.stopped?.(outcome.step);
      throw observer.signal?.reason;
    }
    return {
      ...saved!, // the last step is always saved
      steps: outcome.step,
      loss: lastLoss(outcome.curve),
      ignorance,
      learned: !surelyAbove(outcome.curve, ignorance),
      validation: latest,
      curvePath: losses.curvePath,
      plotPath: losses.plotPath,
    };
  } finally {
    await validation?.close();
    text.close();
    heldOut?.close();
  }
}

/** @throws UsageError when a family in blocks has none, or another has them */
function checkBlocks({ family, blockSize }: Pick<TrainingRequest, 'family' | 'blockSize'>): void {
  if (isInBlocks(family) !== (blockSize !== undefined)) {
    throw new UsageError({
      code: 'block-size-of-bd3lm',
      message:
        blockSize === undefined
          ? `A model of the family ${family} has blocks, and nothing says how long.`
          : `--block-size is for --family bd3lm: ${family} has no blocks.`,
      hint: blockSize === undefined ? 'Give --block-size, such as 4, 8 or 16.' : 'Leave --block-size out.',
    });
  }
}

/** Of a decoder, what its noise and its loss depend on; of another network, all. */
function startingDimensions(request: TrainingRequest, { dimensions }: InitialNetwork): Dimensions {
  checkBlocks(request);
  const { hiddenSize, conditionSize, blocks, heads, vocabSize } = dimensions;
  const { blockSize, length } = request;
  return { hiddenSize, conditionSize, blocks, heads, vocabSize, length, ...(blockSize && { blockSize }) };
}

/** Families with a mask have one token more than the tokenizer. */
function dimensionsOf(request: TrainingRequest, tokenizer: Tokenizer): Dimensions {
  checkBlocks(request);
  const { family, size, changes, length, blockSize } = request;
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const vocabSize = tokenizer.vocabSize + (usesMask(family) ? 1 : 0);
  const dimensions = { ...SIZES[size], ...given, vocabSize, length, ...(blockSize && { blockSize }) };
  const problem = dimensionProblem(dimensions);
  if (problem) throw new UsageError(problem);
  return dimensions;
}

function settingsOf(
  request: TrainingRequest,
  dimensions: Dimensions,
  text: PackedStream,
  start: InitialNetwork | null,
): TrainingSettings {
  const { family, length, batch } = request;
  return {
    problem: {
      family,
      dimensions,
      maskTokenId: start ? start.maskTokenId : usesMask(family) ? dimensions.vocabSize - 1 : null,
      ...(start?.decoder && { decoder: start.decoder }),
      ...(start?.textVocabSize && { textVocabSize: start.textVocabSize }),
      ...(start?.neverMasked && { neverMasked: start.neverMasked }),
      batch,
      length: family === 'ar' ? length - 1 : length,
    },
    schedule: scheduleOf(request),
    timeConditioning: start?.decoder ? false : readsNoiseLevel(family),
    ...(start && { init: start.digest }),
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

/** The p of the published models that correct their own tokens best (arXiv 2503.04482, section 5). */
const USUAL_UNIFORM_SHARE = 0.2;

/** @throws UsageError where what is given is for another family: steps where time is continuous, uniform noise where there is none */
function scheduleOf({ family, diffusionSteps, uniformShare }: TrainingRequest): TrainingSettings['schedule'] {
  if (isMixed(family) && diffusionSteps === undefined)
    return { ...usualSchedule(family), uniformShare: uniformShare ?? USUAL_UNIFORM_SHARE };
  if (uniformShare !== undefined) {
    throw new UsageError({
      code: 'uniform-share-of-gidd',
      message: `--uniform-share is for --family gidd: the noise of ${family} is of one kind.`,
      hint: 'Leave --uniform-share out.',
    });
  }
  if (diffusionSteps === undefined) return usualSchedule(family);
  if (isInSteps(family)) return { ...usualSchedule(family), steps: diffusionSteps };
  throw new UsageError({
    code: 'steps-of-d3pm',
    message: `--diffusion-steps is for --family d3pm: time is continuous in ${family}.`,
    hint: 'Leave --diffusion-steps out; --steps are those of the training.',
  });
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

/** A path relative to the folder of the card. */
function fromFolder(path: string, folder: string): string {
  if (isAbsolute(path)) return path;
  return (relative(folder, path) || '.').split(sep).join('/');
}
