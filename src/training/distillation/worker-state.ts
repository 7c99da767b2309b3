/** The vectors of a distillation, kept in the session's worker: those of a training run, and the teacher, which stays. */
import type { WorkerState } from '../../models/session-state.js';
import type { TrainingVectors } from '../state-names.js';
import { createState as createTrainingState } from '../training-state.js';
import { TEACHER } from './objective.js';

export interface DistillationVectors {
  student: TrainingVectors;
  teacher: Float32Array;
}

export function createState({ student, teacher }: DistillationVectors): WorkerState {
  const training = createTrainingState(student);
  const kept = { [TEACHER.weights]: { type: 'float32', data: teacher, dims: [teacher.length] } } as const;
  return { call: (feeds, network) => training.call(feeds, (fed) => network({ ...fed, ...kept })) };
}
