/** Samples files made of real text, as `sample --out` writes them. */
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { type SamplesHeader, samplesLine } from '../../src/records/samples-file.js';
import { fixture } from '../support/run.js';
import type { Workspace } from '../support/workspace.js';

const SENTENCES = [
  'We meet tonight at a time of great trial, and of great hope for the people of this nation. ',
  'The treaty with Spain has been carried out, and the amount of the debt is smaller than a year ago. ',
  'I ask the Congress to pass this law; it is right, and it is just. ',
];

export interface MadeSamples {
  count?: number;
  length?: number;
  /** Folder of the tokenizer. */
  tokenizer?: string;
  header?: Partial<SamplesHeader>;
  /** Changes the tokens of a sample. */
  change?: (tokens: number[], sample: number) => number[];
}

/** @returns the name of the file */
export async function writeSamples(
  space: Workspace,
  name: string,
  {
    count = 12,
    length = 64,
    tokenizer = fixture('tokenizer'),
    header,
    change = (tokens) => tokens,
  }: MadeSamples = {},
): Promise<string> {
  const loaded = await loadTokenizer(tokenizer);
  const ids = loaded.encode(SENTENCES.join('').repeat(1 + Math.ceil((2 * length) / 40)));
  const first: SamplesHeader = {
    schemaVersion: 1,
    kind: 'samples',
    model: { name: 'small', family: 'duo', sha256: null, path: 'small.onnx' },
    sampler: { name: 'ancestral', options: {}, steps: 8 },
    length,
    seed: 1,
    temperature: 1,
    topK: null,
    topP: null,
    vocabSize: loaded.vocabSize,
    tokenizerSha256: loaded.sha256,
    count,
    prompt: false,
    protocol: 'strict',
    environment: { tool: 'duo-eval', node: '', onnxruntime: null, provider: 'cpu', threads: 1, cpu: null },
    ...header,
  };
  const samples = Array.from({ length: count }, (_, sample) => {
    const from = (7 * sample) % (ids.length - length);
    const tokens = change(ids.slice(from, from + length), sample);
    const text = loaded.decode(tokens, { cleanUp: false });
    return samplesLine({ sample, tokens, text, nfe: 9, seconds: 0.25 });
  });
  return space.write(name, samplesLine(first) + samples.join(''));
}
