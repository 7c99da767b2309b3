/** Trained checkpoints and data sets that lie beside the project on some machines; tests skip where they do not. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/run.js';

const folder = join(root, '..', 'shared');
export const sharedIsThere = existsSync(join(folder, 'checkpoints', 'expected.json'));
export const whyNot = 'needs ../shared/checkpoints, which is not here';

export const sharedModel = (name: string) => join(folder, 'checkpoints', `${name}.onnx`);

/** `name=path`, as --dataset takes it. */
export const sharedDataset = {
  ptb: `ptb=${join(folder, 'data', 'ptb', 'ptb.valid.txt')}`,
  lambada: `lambada=${join(folder, 'data', 'lambada', 'lambada_test.jsonl')}`,
};

export interface ExpectedPerplexity {
  ppl: number;
  nll: number;
  mcStderr: number;
  sequences: number;
  tokens: number;
}

/** By `model/dataset`: the first 64 sequences, protocol `duo`, from an independent evaluator in float64. */
export function expectedPerplexities(): Record<string, ExpectedPerplexity> {
  return JSON.parse(readFileSync(join(folder, 'checkpoints', 'expected.json'), 'utf8')).perplexity;
}
