/** A distillation of a network of a few thousand weights, which toy-run.ts trains, or of one that is nothing yet. */
import { networkParameters } from '../../../src/models/architectures/parameters.js';
import { randomWeights } from '../../../src/models/weights/random-weights.js';
import type { DistillationSettings } from '../../../src/training/distillation/settings.js';
import { publishedLevels } from '../../../src/training/distillation/settings.js';
import { toySettings } from '../toy-run.js';

export function toyDistillation(changes: Partial<DistillationSettings> = {}): DistillationSettings {
  const { problem, schedule, adamW, greatestNorm, text } = toySettings('duo');
  return {
    problem,
    schedule,
    adamW,
    greatestNorm,
    text,
    model: 'toy',
    timeConditioning: true,
    seed: 3,
    divergence: 'student-teacher',
    rounds: 3,
    stepsPerRound: 4,
    nextTeacher: 'weights',
    ...publishedLevels,
    learningRate: { highest: 3e-3, warmup: 2 },
    averageDecay: 0.9,
    ...changes,
  };
}

/** No weight of it is 0, so that what it says depends on what it reads. */
export function toyWeights(): Float32Array {
  const parameters = networkParameters(toyDistillation().problem.dimensions, { adaLN: true });
  const source = randomWeights({ seed: 9, zeroed: false });
  const pieces = parameters.flatMap((parameter) =>
    Array.from(source(parameter) as Iterable<Float32Array>, (piece) => [...piece]),
  );
  return Float32Array.from(pieces.flat());
}
