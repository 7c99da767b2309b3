/** A run of distillation on disk: the teacher of the present round, too. */
import { type SavedRun, stateFile } from '../state-file.js';
import { STATE, type StateName } from '../training-state.js';
import type { DistillationSettings } from './settings.js';

type VectorName = StateName | 'teacher';

export type SavedDistillation = SavedRun<VectorName>;

export const distillationFile = stateFile<VectorName, DistillationSettings>({
  kind: 'duo-eval distillation state',
  names: [...STATE, 'teacher'],
});
