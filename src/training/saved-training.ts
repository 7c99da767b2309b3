/** A run of training on disk. */
import type { TrainingSettings } from './settings.js';
import { type SavedRun, stateFile } from './state-file.js';
import { STATE, type StateName } from './training-state.js';

export type SavedTraining = SavedRun<StateName>;

export const trainingFile = stateFile<StateName, TrainingSettings>({
  kind: 'duo-eval training state',
  names: STATE,
});
