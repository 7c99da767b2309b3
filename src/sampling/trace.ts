/** Traces of samples from noise to text, kept as changes: a step of a long text changes few of its tokens. */
import type { StepState } from './generation-plan.js';

/** The trace of one sample. */
export interface SampleTrace {
  sample: number;
  /** Before the first step, [length]. */
  prior: Int32Array;
  /** What each step changed. */
  steps: StepChanges[];
}

export interface StepChanges {
  /** Positions, ascending. */
  at: Int32Array;
  /** Their tokens after the step. */
  tokens: Int32Array;
}

/** Records one batch after the other. */
export class TraceRecorder {
  private traces: SampleTrace[] = [];
  private before = new Int32Array(0);

  constructor(private readonly length: number) {}

  /** Traces of the latest batch. */
  get batch(): readonly SampleTrace[] {
    return this.traces;
  }

  record({ first, step, tokens }: StepState): void {
    const { length } = this;
    if (step === 0) {
      this.traces = Array.from({ length: tokens.length / length }, (_, b) => ({
        sample: first + b,
        prior: tokens.slice(b * length, (b + 1) * length),
        steps: [],
      }));
    } else {
      for (const [b, { steps }] of this.traces.entries()) {
        const rows = [this.before, tokens].map((all) => all.subarray(b * length, (b + 1) * length));
        steps.push(changesBetween(rows[0], rows[1]));
      }
    }
    this.before = tokens.slice();
  }
}

function changesBetween(before: Int32Array, after: Int32Array): StepChanges {
  const at = Int32Array.from(after.keys()).filter((l) => before[l] !== after[l]);
  return { at, tokens: at.map((l) => after[l]) };
}

/** The tokens before the first step and after each step; always the same array. */
export function* statesOf({ prior, steps }: SampleTrace): Generator<Int32Array, void, void> {
  const tokens = prior.slice();
  yield tokens;
  for (const { at, tokens: changed } of steps) {
    for (const [i, l] of at.entries()) tokens[l] = changed[i];
    yield tokens;
  }
}

/** A trace in JSON: base64 of little-endian int32; each step is its positions, then their tokens. */
export interface WrittenTrace {
  p: string;
  c: string[];
}

export function writtenTrace({ prior, steps }: SampleTrace): WrittenTrace {
  return {
    p: base64OfInts(prior),
    c: steps.map(({ at, tokens }) => base64OfInts(Int32Array.of(...at, ...tokens))),
  };
}

export function traceOf(sample: number, { p, c }: WrittenTrace): SampleTrace {
  const steps = c.map((text) => {
    const numbers = intsOfBase64(text);
    return { at: numbers.slice(0, numbers.length / 2), tokens: numbers.slice(numbers.length / 2) };
  });
  return { sample, prior: intsOfBase64(p), steps };
}

export function base64OfInts(values: Int32Array): string {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeInt32LE(value, 4 * i);
  return bytes.toString('base64');
}

export function intsOfBase64(text: string): Int32Array {
  const bytes = Buffer.from(text, 'base64');
  return Int32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readInt32LE(4 * i));
}
