/**
 * The vectors of a training run, kept in the session's worker (models/session-state.ts): a step's outputs are the next
 * step's inputs, and cross no thread. A call without feeds reads the vectors out.
 *
 * A step whose objective or gradient is not finite is answered but not taken, nor is any after it: the vectors stay what
 * they were, for whoever reads them.
 */
import type { Feeds, TensorData } from '../models/feeds.js';
import type { Network, WorkerState } from '../models/session-state.js';
import { nextName, STATE, type TrainingVectors } from './state-names.js';

export function createState(vectors: TrainingVectors): WorkerState {
  let state: Feeds = {};
  for (const name of STATE) {
    state[name] = { type: 'float32', data: vectors[name], dims: [vectors[name].length] };
  }
  let diverged: Feeds | null = null;
  return {
    async call(feeds: Feeds, network: Network): Promise<Feeds> {
      if (Object.keys(feeds).length === 0) return copies(state);
      if (diverged) return diverged;
      const outputs = await network({ ...feeds, ...state });
      const { objective, gradient_norm } = outputs;
      if (Number.isFinite(objective.data[0]) && Number.isFinite(gradient_norm.data[0])) {
        state = Object.fromEntries(STATE.map((name) => [name, outputs[nextName(name)]]));
      } else {
        diverged = { objective, gradient_norm };
      }
      return { objective, gradient_norm };
    },
  };
}

/** What is answered is given away; the state must stay here. */
const copies = (state: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(state).map(([name, tensor]): [string, TensorData] => [
      name,
      { ...tensor, data: tensor.data.slice() } as TensorData,
    ]),
  );
