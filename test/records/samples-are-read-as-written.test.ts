import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  openSamples,
  type SampleRecord,
  type SamplesHeader,
  samplesLine,
} from '../../src/records/samples-file.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder().root;

const header: SamplesHeader = {
  schemaVersion: 1,
  kind: 'samples',
  model: { name: 'small', family: 'duo', sha256: 'ab', path: 'small.onnx' },
  sampler: { name: 'psi', options: { kappa: 0.5, tail: 'greedy' }, steps: 4 },
  length: 3,
  seed: 1,
  temperature: 1,
  topK: null,
  topP: 0.9,
  vocabSize: 8,
  tokenizerSha256: null,
  count: 2,
  prompt: false,
  protocol: 'duo',
  environment: {
    tool: 'duo-eval/0',
    node: '20',
    onnxruntime: null,
    provider: 'cpu',
    threads: 1,
    cpu: null,
    batch: 2,
  },
};
const samples: SampleRecord[] = [
  { sample: 0, tokens: [1, 2, 3], text: 'a\nb', nfe: 5, seconds: 0.25 },
  { sample: 1, tokens: [7, 0, 0], text: '\u2028"', nfe: 4, seconds: 0.25 },
];

async function read(lines: string[]): Promise<{ header: SamplesHeader; samples: SampleRecord[] }> {
  const path = join(folder, 'samples.jsonl');
  writeFileSync(path, lines.join(''));
  const reader = await openSamples(path);
  const all: SampleRecord[] = [];
  for await (const sample of reader.samples) all.push(sample);
  return { header: reader.header, samples: all };
}
const good = [samplesLine(header), ...samples.map(samplesLine)];
const failure = (lines: string[]) =>
  read(lines).then(
    () => null,
    (error: { code: string; message: string; exitCode: number }) => error,
  );

describe('a samples file', () => {
  it('is one line an object, and reads back as it was written', async () => {
    expect(good.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
    expect(await read(good)).toEqual({ header, samples });
  });

  it('keeps keys it does not know', async () => {
    const line = samplesLine({ ...samples[0], own: 1 } as SampleRecord);
    expect((await read([good[0], line, good[2]])).samples[0]).toMatchObject({ own: 1 });
  });

  it.each([
    ['text that is not JSON', [good[0], good[1], '{"sample":'], 'samples-invalid', /line 3/],
    [
      'a missing field',
      [good[0], '{"sample":0,"tokens":[1,2,3],"text":"","nfe":1}\n'],
      'samples-invalid',
      /line 2: seconds/,
    ],
    [
      'another length',
      [good[0], samplesLine({ ...samples[0], tokens: [1] })],
      'samples-invalid',
      /line 2: it has 1 tokens/,
    ],
    [
      'a token outside the vocabulary',
      [good[0], samplesLine({ ...samples[0], tokens: [1, 2, 8] })],
      'samples-invalid',
      /line 2: the token 8/,
    ],
    ['a sample twice', [good[0], good[1], good[1]], 'samples-invalid', /line 3: sample 1 should/],
    ['samples that are missing', [good[0], good[1]], 'samples-incomplete', /holds 1 samples; .* 2/],
    ['no samples', [good[0]], 'samples-empty', /no samples/],
    ['nothing', [], 'samples-empty', /is empty/],
    [
      'another version',
      [good[0].replace('"schemaVersion":1', '"schemaVersion":2')],
      'samples-version',
      /schemaVersion 2/,
    ],
    ['another kind of file', ['{"text":"hello"}\n'], 'samples-invalid', /line 1/],
    [
      'a header of wrong types',
      [good[0].replace('"vocabSize":8', '"vocabSize":"8"')],
      'samples-invalid',
      /line 1: vocabSize/,
    ],
  ])('with %s is refused, and the line is named', async (_what, lines, code, message) => {
    const error = await failure(lines);
    expect(error).toMatchObject({ code, exitCode: 4 });
    expect(error?.message).toMatch(message);
  });
});
