/**
 * The steps of one graph, and the saves between them. While the worker computes a step, the noise of the next is drawn here, so
 * neither waits for the other.
 */
import { NumericalError } from '../errors.js';
import type { Feeds } from '../models/feeds.js';
import type { SavedTraining } from './state-file.js';
import type { TrainingSession } from './training-session.js';
import type { StepResult } from './training-state.js';

export interface Phase {
  /** Closed when the phase ends. */
  session: TrainingSession;
  from: Pick<SavedTraining, 'step' | 'curve'>;
  /** Its last step. */
  last: number;
  /** Loss of a uniform guess, ln K, in nats per token. */
  ignorance: number;
  feedsOf: (step: number) => Feeds;
  saveEvery: number;
  save: (reached: SavedTraining) => Promise<void>;
  /** Stops the run after the current steps, which are saved. */
  signal?: AbortSignal;
  onStep?: (step: number, result: StepResult) => void;
  /** After every save; the next step waits for it. */
  onSave?: (saved: SavedTraining) => Promise<void>;
  /** Called before the error of a diverging loss is thrown. @param curve of the steps before it */
  onDivergence?: (step: number, curve: Float32Array) => Promise<void>;
}

/** A loss of this many times ln K, the loss of a uniform guess, does not recover; heavy-tailed losses of good runs stay far
 *  below. */
const EXPLODED = 100;

/** Neither does a loss of this many times ln K, step after step: one batch may be hard, three in succession are not. */
const HIGH = 4;
const HIGH_IN_SUCCESSION = 3;

/** Below this share of ln K, a gradient of 0 can mean that the text is learned by heart. */
const LEARNED = 0.01;

/** @param high how many high losses in succession end with this one
 *  @returns what is wrong with a step's result, as a code and the beginning of a sentence; null if nothing is */
function divergence(
  step: number,
  { loss, gradientNorm }: StepResult,
  ignorance: number,
  high: number,
): [code: string, what: string] | null {
  const comparison = `where a uniform guess has ${ignorance.toPrecision(3)}`;
  if (high >= HIGH_IN_SUCCESSION)
    return [
      'loss-exploded',
      `The loss of step ${step} is ${loss.toPrecision(3)}, and the losses before it are no better, ${comparison}`,
    ];
  if (loss > EXPLODED * ignorance)
    return ['loss-exploded', `The loss of step ${step} is ${loss.toPrecision(3)}, ${comparison}`];
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
      message: `${what}: the run diverges. Nothing was saved yet.`,
      hint: `Start again with ${gentler}.`,
    });
  return new NumericalError({
    code,
    message: `${what}: the run diverges. What was saved at step ${savedAt} is kept.`,
    hint: `Start again with another --out and ${gentler}.`,
  });
}

/**
 * @returns the last save
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
      // Before a save no further step may be running; otherwise the next one starts before the last is answered.
      const early: Promise<StepResult> | null = feeds && !savesHere ? session.step(step, feeds) : null;
      early?.catch(() => {}); // handled below, unless the step before it throws
      if (pending) {
        const result = await pending;
        high = result.loss > HIGH * phase.ignorance ? high + 1 : 0;
        const wrong = divergence(step - 1, result, phase.ignorance, high);
        if (wrong) throw diverging(...wrong, savedAt);
        taken = step - 1;
        curve.set([result.loss, result.gradientNorm], 2 * (taken - 1));
        phase.onStep?.(taken, result);
        // Weights that may be diverging do not replace saved ones.
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
