/**
 * The steps that one graph takes, and the saves between them. While the worker computes a step the next one's noise is drawn
 * here, so neither waits for the other.
 */
import { NumericalError } from '../errors.js';
import type { Feeds } from '../models/feeds.js';
import type { SavedTraining } from './state-file.js';
import type { StepResult, TrainingSession } from './training-session.js';

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
}

/** A loss so many times ln K, that of knowing nothing, is not coming back; clean runs, heavy tails and all, stay far below. */
const EXPLODED = 100;

function exploded(step: number, loss: number, ignorance: number): NumericalError {
  return new NumericalError({
    code: 'loss-exploded',
    message: `The loss of step ${step} is ${loss.toPrecision(3)}, where knowing nothing costs ${ignorance.toPrecision(3)}: the run diverges. What was saved last is kept.`,
    hint: 'Begin anew with a lower --lr, or a longer --warmup.',
  });
}

/** @returns what was saved last   @throws NumericalError `training-diverged`, `loss-exploded`   @throws FileError */
export async function runPhase(phase: Phase): Promise<SavedTraining> {
  const { session, from, last, feedsOf, saveEvery, signal } = phase;
  const curve = new Float32Array(2 * last);
  curve.set(from.curve);
  let taken = from.step;
  const state = async (): Promise<SavedTraining> => ({
    step: taken,
    vectors: await session.read(),
    curve: curve.slice(0, 2 * taken),
  });
  const save = async (): Promise<SavedTraining> => {
    const reached = await state();
    await phase.save(reached);
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
        if (result.loss > EXPLODED * phase.ignorance) throw exploded(step - 1, result.loss, phase.ignorance);
        taken = step - 1;
        curve.set([result.loss, result.gradientNorm], 2 * (taken - 1));
        phase.onStep?.(taken, result);
        if (savesHere) await save();
      }
      if (!feeds) break;
      pending = early ?? session.step(step, feeds);
    }
    return await save();
  } catch (error) {
    if (error instanceof NumericalError && error.code === 'training-diverged')
      await phase.save(await state());
    throw error;
  } finally {
    await session.close();
  }
}
