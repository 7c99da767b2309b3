// What fixtures/ is trained by: one network, three seeds. Learning rate, batch and steps were chosen by the training loss alone; with a
// learning rate of 3e-3, or batches of 8, mdlm stays for thousands of steps at what the frequencies of tokens give.
export const TOKENS = 1024;
export const SEEDS = [1, 2, 3];
export const STEPS = 4000;
/** Uniform-state models leave the frequencies of tokens behind after some 2,800 steps, mdlm after 1,300. */
export const UNIFORM_STATE_STEPS = 8000;

const network = { hiddenSize: 128, conditionSize: 64, blocks: 4, heads: 4 };

const common = {
  data: 'sotu-train',
  validation: 'sotu',
  size: 'tiny',
  changes: network,
  length: 128,
  steps: STEPS,
  batch: 16,
  learningRate: 1e-3,
  warmup: 200,
  weightDecay: 0,
  averageDecay: 0.99,
  curriculumSteps: 0,
  curriculumTemperature: 1e-3,
  curriculumKept: 8,
  saveEvery: STEPS / 10,
  validationSequences: 256,
  threads: 1,
};

const uniformState = { family: 'duo', steps: UNIFORM_STATE_STEPS, saveEvery: UNIFORM_STATE_STEPS / 10 };

/** Runs by name; the families' first seed becomes the fixture. `duo-plain` is duo at the same budget without the curriculum. */
const families = {
  duo: { ...uniformState, curriculumSteps: UNIFORM_STATE_STEPS / 2 },
  'duo-plain': uniformState,
  mdlm: { family: 'mdlm' },
  ar: { family: 'ar' },
  sedd: { family: 'sedd' },
};

/** Another seed and size than all that it compares, and trained longer. */
const judge = {
  ...common,
  family: 'ar',
  seed: 101,
  changes: { ...network, hiddenSize: 160, heads: 5 },
  steps: 1.5 * STEPS,
  saveEvery: (1.5 * STEPS) / 10,
};

export const RUNS = new Map([
  ...SEEDS.flatMap((seed) =>
    Object.entries(families).map(([name, changes]) => [`${name}-${seed}`, { ...common, ...changes, seed }]),
  ),
  ['judge', judge],
]);

/** Discrete consistency distillation of `duo` of the same seed, as `duo-eval distill` takes it. */
export const DISTILLATION = { rounds: 8, 'steps-per-round': 100, batch: 16, lr: 3e-4, threads: 1 };

export const DISTILLED = new Map(SEEDS.map((seed) => [`duo-dcd-${seed}`, { teacher: `duo-${seed}`, seed }]));

/** What lies in fixtures/: name → run. */
export const FIXTURES = new Map([
  ['ar', 'ar-1'],
  ['mdlm', 'mdlm-1'],
  ['sedd', 'sedd-1'],
  ['duo', 'duo-1'],
  ['duo-dcd', 'duo-dcd-1'],
  ['judge', 'judge'],
]);
