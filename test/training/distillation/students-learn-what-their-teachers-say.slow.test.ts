import { expect, it } from 'vitest';
import { distill } from '../../../src/training/distillation/distill.js';
import { DistillationValidation } from '../../../src/training/distillation/validation.js';
import { train } from '../../../src/training/train.js';
import { temporaryState, toySettings, toyText } from '../toy-run.js';
import { toyDistillation } from './toy-distillation.js';

it('a toy model learns its text; its student comes nearer to what its teacher says across a gap', async () => {
  const trained = toySettings('duo', { steps: 150, curriculum: null });
  trained.problem.batch = 16;
  trained.problem.dimensions.hiddenSize = 32;
  const run = { text: toyText, saveEvery: 1000, threads: 1 };
  const { vectors } = await train({ ...run, settings: trained, statePath: temporaryState() });
  const source = vectors.average;

  const settings = toyDistillation({
    problem: trained.problem,
    rounds: 8,
    stepsPerRound: 60,
    learningRate: { highest: 5e-3, warmup: 10 },
  });
  const heldOut = await DistillationValidation.start(settings, toyText, { sequences: 32, threads: 1 });
  const rounds: { before: number; after: number }[] = [];
  let teacher = source;
  await distill({
    ...run,
    settings,
    weights: source,
    statePath: temporaryState(),
    onSave: async (saved) => {
      // At the end of a round: what its teacher and the student were, against what the student is.
      const before = await heldOut.loss({ ...saved, vectors: { ...saved.vectors, average: teacher } });
      const after = await heldOut.loss(saved);
      rounds.push({ before: before.kl, after: after.kl });
      teacher = saved.vectors.weights;
    },
  });
  await heldOut.close();
  expect(rounds.length).toBe(8);
  // What a model says of both sequences of a pair differs the more the wider the gap.
  for (const i of [1, 2, 3, 4, 5, 6, 7]) expect(rounds[i].before).toBeGreaterThan(1.2 * rounds[i - 1].before);
  // Of the widest gap there is most to learn; of the first ones less than a step moves this small a model.
  expect(rounds[7].after).toBeLessThan(0.95 * rounds[7].before);
});
