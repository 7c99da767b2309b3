/** About src/evals/frontier/notes.ts */
import { expect, it } from 'vitest';
import { frontierNotes } from '../../../src/evals/frontier/notes.js';
import { generativeResult } from '../generation/generative-sample.js';
import { frontierResult } from '../throughput/bench-sample.js';

const sweep = frontierResult('duo', 480);
const control = (entropy: number, length: number) => {
  const one = generativeResult('repeat', entropy, 20);
  return { ...one, samples: { ...one.samples, length, control: 'repeat' as const } };
};
const notesBeside = (one: ReturnType<typeof control>) =>
  frontierNotes([sweep], { labelOf: ({ model }) => model.name, all: [sweep, one] as never }).join('\n');

it('a control beats a model where it has the entropy of the target, and its length', () => {
  const { target, length } = sweep;
  expect(notesBeside(control(target.entropy + 0.05, length))).toMatch(
    /gamed at this entropy: control repeat/,
  );
  expect(notesBeside(control(target.entropy - 0.5, length))).not.toContain('gamed');
  expect(notesBeside(control(target.entropy, 2 * length))).not.toContain('gamed');
});
