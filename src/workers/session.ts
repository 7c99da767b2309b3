/**
 * Entry of the thread that holds a session of the runtime: the loop of models/session-worker.ts, with every kind of state
 * that a session may keep. A kind is imported when the first state of it begins.
 */

import type { StateKinds } from '../models/session-state.js';
import { serveSession } from '../models/session-worker.js';

const kinds: StateKinds = {
  blocks: async () => (await import('../sampling/block-state.js')).blockState,
  causal: async () => (await import('../sampling/causal-state.js')).causalState,
  latent: async () => (await import('../sampling/latent-state.js')).latentState,
  prefixes: async () => (await import('../evals/perplexity/prefix-state.js')).prefixState,
  training: async () => (await import('../training/training-state.js')).trainingState,
};

await serveSession(kinds);
