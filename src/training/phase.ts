/**
 * The steps that one graph takes, and the saves between them. While the worker computes a step the next one's noise is drawn
 * here, so neither waits for the other.
 */
import { NumericalError } from '../errors.js';
import type { Feeds } from '../models/feeds.js';
import type { SavedTraining } from './saved-training.js';
import type { TrainingSession } from './training-session.js';
import type { StepResult } from './training-state.js';

export interface Phase {
  /** Closed at the end. */
  session: TrainingSession;
  from: Pick<SavedTraining, 'step' | 'curve'>;
  /** Step it ends with. */
  last: number;
  /** What the loss is when nothing is known, in nats a token. */
  ignorance: number;
  feedsOf: (step: number) => Feeds;
  saveEvery: number;
  save: (reached: SavedTraining) => Promise<void>;
  /** Stops after the steps under way, which are saved. */
  signal?: AbortSignal;
  onStep?: (step: number, result: StepResult) => void;
  /** After every save; the next step waits for it. */
  onSave?: (saved: SavedTraining) => Promise<void>;
  /** Before the error of a loss that diverges at a step. @param curve of the steps before it */
  onDivergence?: (step: number, curve: Float32Array) => Promise<void>;
}

/** A loss so many times ln K, that of knowing nothing, is not coming back; clean runs, heavy tails and all, stay far below. */
const EXPLODED = 100;

/** Nor is one of so many times ln K, step after step: a batch may be hard, three in succession are not. */
const HIGH = 4;
const HIGH_IN_SUCCESSION = 3;

/** Below so large a part of ln K a gradient of 0 may be that of a text known by heart. */
const LEARNED = 0.01;

/** @param high losses in succession that were high, this one the last
 *  @returns what is wrong with a step's result, as a code and the beginning of a sentence; null where nothing is */
function divergence(
  step: number,
  { loss, gradientNorm }: StepResult,
  ignorance: number,
  high: number,
): [code: string, what: string] | null {
  const knowingNothing = `where knowing nothing costs ${ignorance.toPrecision(3)}`;
  if (high >= HIGH_IN_SUCCESSION)
    return [
      'loss-exploded',
      `The loss of step ${step} is ${loss.toPrecision(3)}, and of those before it no better, ${knowingNothing}`,
    ];
  if (loss > EXPLODED * ignorance)
    return ['loss-exploded', `The loss of step ${step} is ${loss.toPrecision(3)}, ${knowingNothing}`];
  if (gradientNorm === 0 && loss > LEARNED * ignorance)
    return ['gradient-vanished', `The gradient of step ${step} is 0 at a loss of ${loss.toPrecision(3)}`];
  return null;
}

/** @param savedAt step of the last save; 0 before the first */
function diverging(code: string, what: string, savedAt: number): NumericalError {
  const gentler = 'a lower --lr, or a longer --warmup';
  if (savedAt === 0)
    return new NumericalError({
      code,
      message: `${what}: the run diverges. Nothing had been saved yet.`,
      hint: `Begin anew with ${gentler}.`,
    });
  return new NumericalError({
    code,
    message: `${what}: the run diverges. What was saved at step ${savedAt} is kept.`,
    hint: `Begin anew with another --out and ${gentler}.`,
  });
}

/**
 * @returns what was saved last
 * @throws NumericalError `training-diverged`, `loss-exploded`, `gradient-vanished`; what was saved before stays
 * @throws FileError
 */
export async function runPhase(phase: Phase): Promise<SavedTraining> {
  const { session, from, last, feedsOf, saveEvery, signal } = phase;
  const curve = new Float32Array(2 * last);
  curve.set(from.curve);
  let taken = from.step;
  let savedAt = from.step;
  let high = 0;
  const state = async (): Promise<SavedTraining> => ({
    step: taken,
    vectors: await session.read(),
    curve: curve.slice(0, 2 * taken),
  });
  const save = async (): Promise<SavedTraining> => {
    const reached = await state();
    await phase.save(reached);
    savedAt = taken;
    await phase.onSave?.(reached);
    return reached;
  };
  try {
    let pending: Promise<StepResult> | null = null;
    for (let step = from.step + 1; step <= last + 1; step++) {
      const goesOn = step <= last && !signal?.aborted;
      const savesHere = goesOn && (step - 1) % saveEvery === 0 && step - 1 > from.step;
      const feeds = goesOn ? feedsOf(step) : null;
      // Before a save no further step may be under way; otherwise it is asked for before the last one is answered.
      const early: Promise<StepResult> | null = feeds && !savesHere ? session.step(step, feeds) : null;
      early?.catch(() => {}); // what fails is told by the step before, or below
      if (pending) {
        const result = await pending;
        high = result.loss > HIGH * phase.ignorance ? high + 1 : 0;
        const wrong = divergence(step - 1, result, phase.ignorance, high);
        if (wrong) throw diverging(...wrong, savedAt);
        taken = step - 1;
        curve.set([result.loss, result.gradientNorm], 2 * (taken - 1));
        phase.onStep?.(taken, result);
        // What may be diverging does not take the place of what was saved.
        if (savesHere && high === 0) await save();
      }
      if (!feeds) break;
      pending = early ?? session.step(step, feeds);
    }
    return await save();
  } catch (error) {
    if (!(error instanceof NumericalError)) throw error;
    await phase.onDivergence?.(taken + 1, curve.slice(0, 2 * taken));
    if (error.code !== 'training-diverged') throw error;
    throw diverging(error.code, error.message.replace(/\.$/, ''), savedAt);
  } finally {
    await session.close();
  }
}
